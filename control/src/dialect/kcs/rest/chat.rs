//! Chat rooms, their people, and what is said in them (ADD-02 to ADD-08, ADD-13, ADD-14).

use axum::extract::{FromRequestParts, Path, RawQuery, State};
use http::request::Parts;
use serde_json::Value;

use super::Kcs;
use super::answer::{Body, Caller, Reply, created, list as list_of, ok};
use super::bodies::{
    ChatMembersBody, ChatMessageBody, ChatReactionBody, ChatRoomBody, ChatRoomNameBody, ChatTextBody,
};
use super::describe::refusals;
use crate::dialect::fields::Fields;
use crate::dialect::kcs::limits::budget;
use crate::dialect::kcs::preset;
use crate::dialect::kcs::view::envelope::{Nothing, Success, SuccessList};
use crate::dialect::kcs::view::rooms::{self, LineView, ReactionView, ReactionWord, ReceiptView, RoomView};
use crate::dialect::rest::query::Query;
use crate::domain::chat::HISTORY_MAX;
use crate::domain::error::DomainError;
use crate::domain::history::ROOMS_MAX;
use crate::domain::limit::LimitedAction;
use crate::http::refusal::Refusal;
use crate::service::chat_rooms::{Details, NewMessage};

/// The id of a path as the client spelled it. What cannot be decoded is an id of nothing, and is not found.
pub(super) struct Id(pub(super) String);

impl<S: Sync + Send> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.map(|Path(id)| id).unwrap_or_default()))
    }
}

/// A room and one of its people, as [`Id`].
pub(super) struct RoomAndUser {
    room: String,
    user: String,
}

impl<S: Sync + Send> FromRequestParts<S> for RoomAndUser {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let (room, user) = path.map(|Path(ids)| ids).unwrap_or_default();
        Ok(Self { room, user })
    }
}

/// How the description names a room of a path.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RoomParam {
    /// The id of a room, or of a meeting, which is one.
    #[param(example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    #[expect(dead_code, reason = "describes; Id reads")]
    room_id: String,
}

/// How the description names a message of a path.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MessageParam {
    /// The id of a message.
    #[param(example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    #[expect(dead_code, reason = "describes; Id reads")]
    message_id: String,
}

refusals!(CreateRefusals: InviteeUnknown, Forbidden);

/// Make a chat room
///
/// Whoever makes it owns it. Every member hears `chat-notification` of type `new-chat`.
#[utoipa::path(
    post, path = "/api/chat/rooms", tag = "chat", operation_id = "createChatRoom", request_body = ChatRoomBody,
    responses((status = 201, description = "The room", body = Success<RoomView>), CreateRefusals)
)]
pub(super) async fn create(State(kcs): State<Kcs>, Caller(actor): Caller, Body(body): Body) -> Reply {
    let fields = Fields::of(&body)?;
    let members = texts(fields, "members")?.ok_or(DomainError::FieldMissing("members"))?;
    let room = kcs.services.rooms.create(&actor, fields.required_text("name")?, &members).await?;
    created("Chat room created successfully", rooms::room(&room))
}

/// Own chat rooms
///
/// The one with the newest message first. Meetings are rooms too and are listed as meetings.
#[utoipa::path(
    get, path = "/api/chat/rooms", tag = "chat", operation_id = "listChatRooms",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many; more than 500 are clamped."),
        ("offset" = Option<u32>, Query, minimum = 0, description = "After leaving out so many.")
    ),
    responses((status = 200, description = "The rooms", body = SuccessList<RoomView>), PageRefusals)
)]
pub(super) async fn list(State(kcs): State<Kcs>, Caller(actor): Caller, RawQuery(query): RawQuery) -> Reply {
    let query = Query::of(query.as_deref());
    let limit = query.number("limit", 1, ROOMS_MAX)?.unwrap_or(ROOMS_MAX);
    let offset = query.number("offset", 0, u32::MAX)?.unwrap_or(0);
    let found = kcs.services.rooms.list(&actor, limit, offset).await?;
    list_of("Chat rooms retrieved successfully", found.iter().map(rooms::room).collect())
}

refusals!(PageRefusals: FieldInvalid { field: "limit", reason: "<reason>".into() });
refusals!(
    RoomRefusals: ChatRoomNotFound, MeetingNotFound, OtherCampus, NotMember
);

/// One chat room
#[utoipa::path(
    get, path = "/api/chat/rooms/{room_id}", tag = "chat", operation_id = "getChatRoom", params(RoomParam),
    responses((status = 200, description = "The room", body = Success<RoomView>), RoomRefusals)
)]
pub(super) async fn details(State(kcs): State<Kcs>, Caller(actor): Caller, Id(id): Id) -> Reply {
    let shown = match kcs.services.rooms.details(&actor, &id).await? {
        Details::Room(summary) => rooms::room(&summary),
        Details::Meeting(meeting) => rooms::meeting_room(&meeting),
    };
    ok("Chat room retrieved successfully", shown)
}

refusals!(
    ManageRefusals: ChatRoomNotFound, MeetingNotFound, OtherCampus, NotMember, Forbidden, PersonUnknown
);

/// Give a chat room another name
#[utoipa::path(
    put, path = "/api/chat/rooms/{room_id}", tag = "chat", operation_id = "renameChatRoom", params(RoomParam),
    request_body = ChatRoomNameBody,
    responses((status = 200, description = "The room", body = Success<RoomView>), ManageRefusals)
)]
pub(super) async fn rename(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    Id(id): Id,
    Body(body): Body,
) -> Reply {
    let name = Fields::of(&body)?.required_text("name")?;
    let room = kcs.services.rooms.rename(&actor, &id, name).await?;
    ok("Chat room updated successfully", rooms::room(&room))
}

/// Delete a chat room
///
/// For everybody in it.
#[utoipa::path(
    delete, path = "/api/chat/rooms/{room_id}", tag = "chat", operation_id = "deleteChatRoom", params(RoomParam),
    responses((status = 200, description = "It is gone", body = Success<Nothing>), ManageRefusals)
)]
pub(super) async fn delete(State(kcs): State<Kcs>, Caller(actor): Caller, Id(id): Id) -> Reply {
    kcs.services.rooms.delete(&actor, &id).await?;
    ok("Chat room deleted successfully", Value::Null)
}

/// Add people to a chat room
#[utoipa::path(
    post, path = "/api/chat/rooms/{room_id}/members", tag = "chat", operation_id = "addChatMembers", params(RoomParam),
    request_body = ChatMembersBody,
    responses((status = 201, description = "The room", body = Success<RoomView>), ManageRefusals)
)]
pub(super) async fn add_members(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    Id(id): Id,
    Body(body): Body,
) -> Reply {
    let members = texts(Fields::of(&body)?, "members")?.ok_or(DomainError::FieldMissing("members"))?;
    let room = kcs.services.rooms.add_members(&actor, &id, &members).await?;
    created("Members added successfully", rooms::room(&room))
}

/// Remove somebody from a chat room, or leave it
///
/// Everybody may remove himself; the owner may remove anybody.
#[utoipa::path(
    delete, path = "/api/chat/rooms/{room_id}/members/{user_id}", tag = "chat", operation_id = "removeChatMember",
    params(RoomParam, ("user_id" = String, Path, description = "The id of an account.")),
    responses((status = 200, description = "He is out", body = Success<Nothing>), ManageRefusals)
)]
pub(super) async fn remove_member(State(kcs): State<Kcs>, Caller(actor): Caller, of: RoomAndUser) -> Reply {
    kcs.services.rooms.remove_member(&actor, &of.room, &of.user).await?;
    ok("Member removed successfully", Value::Null)
}

refusals!(
    SendRefusals: ChatRoomNotFound, MeetingNotFound, OtherCampus, NotMember, NotInMeeting, MeetingNotActive,
    MeetingEnded, MeetingCancelled, FeatureOff(crate::domain::meeting::Feature::Chat), AttachmentNotFound,
    FieldMissing("content"),
);

/// Write a message
///
/// Everybody who listens to the room and may read it hears `new-chat-message`; in a meeting, where one must be inside,
/// those inside hear `new-message` too.
#[utoipa::path(
    post, path = "/api/chat/rooms/{room_id}/messages", tag = "chat", operation_id = "sendChatMessage",
    params(RoomParam), request_body = ChatMessageBody,
    responses((status = 201, description = "The message", body = Success<LineView>), SendRefusals)
)]
pub(super) async fn send(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    Id(id): Id,
    Body(body): Body,
) -> Reply {
    let fields = Fields::of(&body)?;
    let new = NewMessage {
        text: fields.text("content")?.unwrap_or_default().to_owned(),
        attachments: file_ids(fields)?,
        mentions: texts(fields, "mentions")?.unwrap_or_default(),
    };
    let line = kcs.services.rooms.send(&actor, &id, new, budget(LimitedAction::ChatMessage)).await?;
    created("Message sent successfully", rooms::line(&line))
}

refusals!(
    HistoryRefusals: ChatRoomNotFound, MeetingNotFound, OtherCampus, NotMember, MessageNotFound,
    FieldInvalid { field: "limit", reason: "<reason>".into() },
);

/// What was said in a room
///
/// The newest page, oldest first; with `before` the page that ends with the message before that one.
#[utoipa::path(
    get, path = "/api/chat/rooms/{room_id}/messages", tag = "chat", operation_id = "listChatMessages",
    params(
        RoomParam,
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many; more than 500 are clamped."),
        ("before" = Option<String>, Query, description = "The id of a message of the room.")
    ),
    responses((status = 200, description = "The messages", body = SuccessList<LineView>), HistoryRefusals)
)]
pub(super) async fn history(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    Id(id): Id,
    RawQuery(query): RawQuery,
) -> Reply {
    let query = Query::of(query.as_deref());
    let limit = query.number("limit", 1, HISTORY_MAX)?.unwrap_or(preset::CHAT_HISTORY);
    let lines = kcs.services.rooms.history(&actor, &id, query.text("before"), limit).await?;
    list_of("Messages retrieved successfully", lines.iter().map(rooms::line).collect())
}

refusals!(
    EditRefusals: MessageNotFound, Forbidden, MeetingNotActive, MeetingEnded, MeetingCancelled,
    FeatureOff(crate::domain::meeting::Feature::Chat),
);

/// Change one's own message
#[utoipa::path(
    put, path = "/api/chat/messages/{message_id}", tag = "chat", operation_id = "editChatMessage",
    params(MessageParam), request_body = ChatTextBody,
    responses((status = 200, description = "The message", body = Success<LineView>), EditRefusals)
)]
pub(super) async fn edit(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    Id(id): Id,
    Body(body): Body,
) -> Reply {
    let text = Fields::of(&body)?.given_text("content")?;
    let line = kcs.services.rooms.edit(&actor, &id, text).await?;
    ok("Message updated successfully", rooms::line(&line))
}

refusals!(DeleteRefusals: MessageNotFound, Forbidden);

/// Delete a message
///
/// One's own; owners of rooms and those who run a meeting may delete anybody's.
#[utoipa::path(
    delete, path = "/api/chat/messages/{message_id}", tag = "chat", operation_id = "deleteChatMessage",
    params(MessageParam),
    responses((status = 200, description = "It is gone", body = Success<Nothing>), DeleteRefusals)
)]
pub(super) async fn delete_message(State(kcs): State<Kcs>, Caller(actor): Caller, Id(id): Id) -> Reply {
    kcs.services.rooms.delete_message(&actor, &id).await?;
    ok("Message deleted successfully", Value::Null)
}

/// React to a message, or take that back
#[utoipa::path(
    post, path = "/api/chat/messages/{message_id}/reactions", tag = "chat", operation_id = "reactToChatMessage",
    params(MessageParam), request_body = ChatReactionBody,
    responses((status = 200, description = "What is there now", body = Success<ReactionView>), EditRefusals)
)]
pub(super) async fn react(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    Id(id): Id,
    Body(body): Body,
) -> Reply {
    let fields = Fields::of(&body)?;
    let wanted = |word: &str| match word {
        "add" => Some(true),
        "remove" => Some(false),
        _ => None,
    };
    let wanted = fields.word("action", wanted, "add, remove")?;
    let emoji = fields.required_text("emoji")?;
    let done = kcs.services.rooms.react(&actor, &id, emoji, wanted, budget(LimitedAction::Reaction)).await?;
    let shown = ReactionView {
        message_id: done.message,
        emoji: done.emoji,
        action: if done.added { ReactionWord::Add } else { ReactionWord::Remove },
        reactions: rooms::reactions(&done.reactions),
    };
    ok("Reaction updated successfully", shown)
}

refusals!(ReceiptRefusals: MessageNotFound);

/// Who got a message and who has seen it
#[utoipa::path(
    get, path = "/api/chat/messages/{message_id}/receipts", tag = "chat", operation_id = "listChatReceipts",
    params(MessageParam),
    responses((status = 200, description = "The receipts", body = SuccessList<ReceiptView>), ReceiptRefusals)
)]
pub(super) async fn receipts(State(kcs): State<Kcs>, Caller(actor): Caller, Id(id): Id) -> Reply {
    let receipts = kcs.services.rooms.receipts(&actor, &id).await?;
    list_of("Receipts retrieved successfully", receipts.iter().map(rooms::receipt).collect())
}

/// A list of texts that may be absent.
fn texts(fields: Fields<'_>, name: &'static str) -> Result<Option<Vec<String>>, DomainError> {
    let Some(list) = fields.list(name)? else { return Ok(None) };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts: Option<Vec<_>> = list.iter().map(text).collect();
    texts.map(Some).ok_or_else(|| DomainError::invalid(name, "must be an array of strings"))
}

/// Files by their id, bare or in the object that the upload was answered with.
pub(in crate::dialect::kcs) fn file_ids(fields: Fields<'_>) -> Result<Vec<String>, DomainError> {
    let Some(list) = fields.list("attachments")? else { return Ok(Vec::new()) };
    let id = |value: &Value| {
        let id = value.as_str().or_else(|| value.get("id").and_then(Value::as_str));
        id.map(str::to_owned).ok_or_else(|| DomainError::invalid("attachments", "must be ids of uploads"))
    };
    list.iter().map(id).collect()
}
