//! What sockets ask about breakout rooms: the payloads of [`super::asked`]'s table.

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC" }))]
pub struct GetBreakoutRooms {
    pub meeting_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "participantId": "3d9f2a51-7c0e-4b8e-9a66-0f6b1c2d4e5f",
    "roomId": "01JDAVNTZ6MG8F0Q5W0R7YH3KD",
}))]
pub struct AssignBreakout {
    pub meeting_id: String,
    /// By session, roster or account id; all sessions of the person go. Somebody who is not inside goes when they come.
    pub participant_id: String,
    /// The main room when null or absent.
    pub room_id: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "roomId": "01JDAVNTZ6MG8F0Q5W0R7YH3KD",
}))]
pub struct ChooseBreakout {
    pub meeting_id: String,
    pub room_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC" }))]
pub struct ReturnFromBreakout {
    pub meeting_id: String,
}
