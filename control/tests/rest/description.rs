//! The description of the API as it is served (ADD-23 to ADD-25). That it is true is checked with every answer of these
//! tests, in [`crate::described`].

use std::collections::BTreeSet;

use serde_json::Value;

use crate::described;
use crate::world::{Who, World};

#[tokio::test]
async fn add_23_the_description_is_openapi_3_1_and_names_every_operation_once() {
    let world = World::new().await;
    let answer = world.get(Who::Nobody, "/api/openapi.json").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/json")));
    let api = described::of(&world.app.router()).await.api();
    assert_eq!(api["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(!name.is_empty() && names.insert(name), "{method} {path}: {name}");
            assert!(operation["summary"].is_string() && operation["security"].is_array(), "{method} {path}");
            let tags = operation["tags"].as_array().expect("tags");
            let known = api["tags"].as_array().expect("tags");
            assert!(tags.len() == 1 && known.iter().any(|tag| tag["name"] == tags[0]), "{method} {path}");
            for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                let parameters = operation["parameters"].as_array().expect("parameters");
                assert!(parameters.iter().any(|p| p["name"] == name && p["in"] == "path"), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn add_23_every_reference_of_the_description_leads_somewhere() {
    let world = World::new().await;
    let api = described::of(&world.app.router()).await.api();
    let text = api.to_string();
    let references: BTreeSet<&str> =
        text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(references.len() > 20);
    for reference in references {
        assert!(api.pointer(reference).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn add_24_the_page_and_all_it_needs_come_from_this_server() {
    let world = World::new().await;
    for (path, kind) in [
        ("/api/docs", "text/html; charset=utf-8"),
        ("/api/docs/", "text/html; charset=utf-8"),
        ("/api/docs/events", "text/html; charset=utf-8"),
        ("/api/docs/pages.css", "text/css; charset=utf-8"),
        ("/api/docs/start.js", "text/javascript; charset=utf-8"),
        ("/api/docs/swagger-ui.css", "text/css"),
        ("/api/docs/swagger-ui-bundle.js", "text/javascript"),
    ] {
        let answer = world.get(Who::Nobody, path).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some(kind)), "{path}");
        let text = answer.body.as_str().expect("text");
        let named = ["src=\"", "href=\""].into_iter().flat_map(|mark| text.split(mark).skip(1));
        for link in named.filter(|_| kind.starts_with("text/html")).filter_map(|rest| rest.split('"').next())
        {
            assert!(link.starts_with('/') || link.starts_with('#'), "{path} asks for {link}");
            if link.starts_with("/api") {
                assert_eq!(world.get(Who::Nobody, link).await.status.as_u16(), 200, "{link}");
            }
        }
    }
    world.get(Who::Nobody, "/api/docs/swagger-initializer.js").await.refused(404, "Route not found");
}

#[tokio::test]
async fn add_25_the_events_are_described_as_asyncapi_3_with_their_answers_and_refusals() {
    let world = World::new().await;
    let api = world.get(Who::Nobody, "/api/asyncapi.json").await.body;
    assert_eq!(api["asyncapi"], "3.0.0");
    let join = &api["operations"]["receive.join-meeting"];
    assert_eq!(join["reply"]["messages"][0]["$ref"], "#/channels/main/messages/meeting-joined");
    let refusals = join["x-refusals"].as_array().expect("refusals");
    assert!(refusals.iter().any(|one| one["code"] == "MEETING_FULL" && one["message"] == "Meeting is full"));
    let payload = &api["components"]["schemas"]["JoinMeeting"];
    assert_eq!(payload["required"], serde_json::json!(["meetingId"]));
    let page = world.get(Who::Nobody, "/api/docs/events").await;
    let page = page.body.as_str().map(str::to_owned).unwrap_or_default();
    for name in api["components"]["messages"].as_object().into_iter().flat_map(|all| all.keys()) {
        assert!(page.contains(&format!("<section id=\"{name}\">")), "{name}");
    }
    assert!(matches!(api["operations"], Value::Object(_)));
}
