//! Which answers hold the ids that other routes ask for: with it, programs walk through the API as people do.

use serde_json::Value;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, RefOr};

use super::describe::operations;

/// Where an id comes from: the operation, its answer's status, the place in its answer, and the parameter it is good for.
const SOURCES: [(&str, &str, &str, &str); 8] = [
    ("createMeeting", "201", "/data/id", "meeting_id"),
    ("listMeetings", "200", "/data/0/id", "meeting_id"),
    ("listParticipants", "200", "/data/0/id", "participant_id"),
    ("createChatRoom", "201", "/data/roomId", "room_id"),
    ("sendChatMessage", "201", "/data/messageId", "message_id"),
    ("listChatMessages", "200", "/data/0/messageId", "message_id"),
    ("uploadAttachment", "201", "/data/id", "attachment_id"),
    ("createUser", "201", "/data/id", "user_id"),
];

/// Links every source to every operation with that parameter.
pub(super) fn add(api: &mut OpenApi) {
    let mut users: Vec<(String, String)> = Vec::new();
    for item in api.paths.paths.values_mut() {
        users.extend(operations(item).flat_map(|operation| wanted(operation)));
    }
    for item in api.paths.paths.values_mut() {
        for operation in operations(item) {
            let own = operation.operation_id.clone().unwrap_or_default();
            for (_, status, place, parameter) in SOURCES.iter().filter(|(source, ..)| *source == own) {
                let Some(RefOr::T(response)) = operation.responses.responses.get_mut(*status) else {
                    continue;
                };
                for (name, _) in users.iter().filter(|(_, wants)| wants == parameter) {
                    let mut link = LinkBuilder::new()
                        .operation_id(name)
                        .parameter(*parameter, at("$response.body#", place));
                    if *parameter == "participant_id" {
                        link = link.parameter("meeting_id", "$request.path.meeting_id");
                    }
                    response.links.insert(name.clone(), RefOr::T(link.build()));
                }
            }
        }
    }
}

fn at(what: &str, place: &str) -> Value {
    format!("{what}{place}").into()
}

/// The operation with each parameter of its path.
fn wanted(operation: &mut Operation) -> Vec<(String, String)> {
    let name = operation.operation_id.clone().unwrap_or_default();
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some((name.clone(), parameter.name.clone())),
            RefOr::Ref(_) => None,
        })
        .collect()
}
