//! The description of the API against what is served (ADD-23).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::{Who, World};

/// The description as anybody may read it.
async fn described(world: &World) -> Value {
    let answer = world.get(Who::Nobody, "/api/openapi.json").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/json")));
    answer.body
}

#[tokio::test]
async fn add_23_the_description_is_openapi_3_1_and_names_every_operation_once() {
    let api = described(&World::new().await).await;
    assert_eq!(api["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(!name.is_empty() && names.insert(name.to_owned()), "{method} {path}: {name}");
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
        }
    }
}
