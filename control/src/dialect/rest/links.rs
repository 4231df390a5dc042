//! Which answers hold the ids that other routes ask for: with it, programs walk through the API as people do.

use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, RefOr, Response};

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
    let mut wants: Vec<(String, Vec<String>)> = Vec::new();
    for item in api.paths.paths.values_mut() {
        wants.extend(operations(item).map(|operation| wanted(operation)));
    }
    for item in api.paths.paths.values_mut() {
        for operation in operations(item) {
            for (source, status, place, parameter) in SOURCES {
                let responses = &mut operation.responses.responses;
                if operation.operation_id.as_deref() == Some(source)
                    && let Some(RefOr::T(response)) = responses.get_mut(status)
                {
                    link(response, &wants, place, parameter);
                }
            }
        }
    }
}

fn link(response: &mut Response, wants: &[(String, Vec<String>)], place: &str, parameter: &str) {
    for (name, parameters) in wants.iter().filter(|(_, all)| all.iter().any(|one| one == parameter)) {
        let link =
            LinkBuilder::new().operation_id(name).parameter(parameter, format!("$response.body#{place}"));
        // A line of a roster means something within its meeting only.
        let within = parameter == "participant_id";
        let link = match parameters.iter().any(|one| one == "meeting_id") {
            true if within => link.parameter("meeting_id", "$request.path.meeting_id"),
            false if within => continue,
            _ => link,
        };
        response.links.insert(name.clone(), RefOr::T(link.build()));
    }
}

/// An operation and the parameters of its path.
fn wanted(operation: &Operation) -> (String, Vec<String>) {
    let parameters = operation.parameters.iter().flatten();
    let named = parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter.name.clone()),
        RefOr::Ref(_) => None,
    });
    (operation.operation_id.clone().unwrap_or_default(), named.collect())
}
