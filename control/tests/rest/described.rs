//! Holds every answer of these tests against the description of the API: status, words, content type and every field.

use std::sync::OnceLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use crate::schema;

/// The description, read once a process: it is the same for every router.
static DESCRIBED: OnceLock<Described> = OnceLock::new();

/// The description.
pub struct Described {
    api: Value,
}

/// Reads the description of a router.
pub async fn of(router: &Router) -> &'static Described {
    if let Some(described) = DESCRIBED.get() {
        return described;
    }
    let request = Request::get("/api/openapi.json").body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("the router answers everything");
    let bytes = to_bytes(response.into_body(), 16 << 20).await.expect("a body");
    let api: Value = serde_json::from_slice(&bytes).expect("JSON");
    DESCRIBED.get_or_init(|| Described { api })
}

impl Described {
    /// The description itself.
    pub fn api(&self) -> &Value {
        &self.api
    }

    /// The described path that this one is served by: the one that spells out most of it.
    pub fn template(&self, path: &str) -> Option<&str> {
        let paths = self.api["paths"].as_object().expect("paths").keys();
        paths
            .filter(|template| matches(template, path))
            .min_by_key(|t| t.matches('{').count())
            .map(String::as_str)
    }

    /// Fails the test unless this answer is described. `None`: there was nothing to hold it against.
    #[track_caller]
    pub fn check(&self, method: &Method, path: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        // A path with an empty part is of no route.
        let template = Some(path).filter(|path| !path.contains("//"));
        let template = template.and_then(|path| self.template(path.trim_end_matches('/')));
        let Some(template) = template else { return };
        let Some(operation) = self.api["paths"][template].get(method.as_str().to_lowercase()) else {
            assert!(status == StatusCode::METHOD_NOT_ALLOWED || method == Method::OPTIONS, "{method} {path}");
            return;
        };
        let what = format!("{method} {template} {}", status.as_u16());
        let described = &operation["responses"][status.as_str()];
        assert!(described.is_object(), "{what} is not described: {}", String::from_utf8_lossy(body));
        let Some(content) = described["content"].as_object().filter(|content| !content.is_empty()) else {
            return;
        };
        let said = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let said = said.split(';').next().unwrap_or_default();
        let Some(content) = content.get(said).or_else(|| content.get("*/*")) else {
            panic!("{what}: content type {said:?} is not described")
        };
        // `HEAD` has no body.
        if said != "application/json" || body.is_empty() {
            return;
        }
        let body: Value = serde_json::from_slice(body).expect("what calls itself JSON is JSON");
        let mistakes = schema::mistakes(&self.api, &content["schema"], &body);
        assert!(mistakes.is_empty(), "{what}: {}\n{body:#}", mistakes.join("; "));
        if !status.is_success() {
            assert!(is_worded(&content["examples"], &body), "{what}: these words are not described: {body}");
        }
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted.starts_with('{') || wanted == given => {}
            _ => return false,
        }
    }
}

/// Whether a refusal's message and code are those of an example. `<field>` and `<reason>` stand for anything.
fn is_worded(examples: &Value, body: &Value) -> bool {
    let examples = examples.as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
    examples.into_iter().any(|example| {
        example["code"] == body["code"]
            && fits_words(
                example["message"].as_str().unwrap_or_default(),
                body["message"].as_str().unwrap_or_default(),
            )
    })
}

/// Whether a text is a pattern with something put in for every word in angle brackets.
pub fn fits_words(pattern: &str, text: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('<') else { return pattern == text };
    let Some((_, after)) = rest.split_once('>') else { return pattern == text };
    let Some(left) = text.strip_prefix(before) else { return false };
    (1..=left.len()).filter(|at| left.is_char_boundary(*at)).any(|at| fits_words(after, &left[at..]))
}
