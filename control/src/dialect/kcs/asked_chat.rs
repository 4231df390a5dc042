//! What sockets ask about chat rooms: the payloads of [`super::asked`]'s table.

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "roomIds": ["01JDAVNTZ6MG8F0Q5W0R7YH3KC"] }))]
pub struct JoinChatRooms {
    /// Rooms and meetings. More than 500 are left out, and so are more than 50 meetings.
    pub room_ids: Vec<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "roomId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC" }))]
pub struct LeaveChatRoom {
    pub room_id: String,
}

#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = ChatTypingRequest,
    example = json!({ "roomId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "isTyping": true })
)]
pub struct ChatTyping {
    pub room_id: String,
    pub is_typing: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "roomId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "messageIds": ["01JDAVNTZ6MG8F0Q5W0R7YH3KC"],
}))]
pub struct MarkMessagesSeen {
    pub room_id: String,
    #[schema(max_items = 100)]
    pub message_ids: Vec<String>,
}

#[derive(ToSchema)]
#[schema(example = json!({ "status": "busy" }))]
pub struct UpdateChatStatus {
    pub status: StatusBody,
}

/// How somebody who is there may be.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum StatusBody {
    Online,
    Away,
    Busy,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "roomId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC" }))]
pub struct GetRoomOnlineUsers {
    pub room_id: String,
}
