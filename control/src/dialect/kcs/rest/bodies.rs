//! The bodies of requests, for the description. [`super::read`] and the handlers read them field by field (decision
//! 0014); a test sends what is described here, and what it forbids, and compares what happens.

use utoipa::ToSchema;

/// Who logs in.
#[derive(ToSchema)]
#[schema(example = json!({ "email": "host@demo.test", "password": "demo-password" }))]
pub struct LoginBody {
    /// Also accepted as `username`.
    #[schema(min_length = 1)]
    pub email: String,
    #[schema(min_length = 1)]
    pub password: String,
}

/// A new password in place of the current one.
#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    example = json!({ "currentPassword": "demo-password", "newPassword": "another-password" })
)]
pub struct PasswordChangeBody {
    /// Also accepted as `current_password` or `oldPassword`.
    pub current_password: String,
    /// Also accepted as `new_password`.
    #[schema(min_length = 6)]
    pub new_password: String,
}

/// A new account.
#[derive(ToSchema)]
#[schema(example = json!({
    "name": "Tara Teacher", "email": "tara@demo.test", "password": "a-long-password", "user_type": "teacher",
    "campus_id": "default", "department": "Physics",
}))]
pub struct AccountBody {
    #[schema(min_length = 1)]
    pub name: String,
    /// Unique, letter case ignored.
    #[schema(min_length = 3, max_length = 254, pattern = "^[^@\\s]+@[^@\\s]+$")]
    pub email: String,
    #[schema(min_length = 6)]
    pub password: String,
    pub user_type: CreatableUserType,
    #[schema(min_length = 1)]
    pub campus_id: String,
    pub department: Option<String>,
    pub profile_picture: Option<String>,
}

/// What an account may be made as.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CreatableUserType {
    Admin,
    CampusAdmin,
    Teacher,
    Staff,
    Student,
}

/// A new meeting.
#[derive(ToSchema)]
#[schema(example = json!({
    "meeting_name": "Weekly", "meeting_description": "What happened, what comes",
    "meeting_start_time": "2098-01-01T10:00:00Z", "meeting_end_time": "2098-01-01T11:00:00Z",
    "meeting_location": "virtual", "participants": ["member@demo.test"],
}))]
pub struct MeetingBody {
    #[schema(min_length = 1, example = "Weekly")]
    pub meeting_name: String,
    #[schema(example = "What happened, what comes")]
    pub meeting_description: String,
    #[schema(format = DateTime, example = "2098-01-01T10:00:00Z")]
    pub meeting_start_time: String,
    /// After the start.
    #[schema(format = DateTime, example = "2098-01-01T11:00:00Z")]
    pub meeting_end_time: String,
    #[schema(min_length = 1, example = "virtual")]
    pub meeting_location: String,
    #[schema(min_items = 1)]
    pub participants: Vec<InviteeBody>,
    #[schema(default = "scheduled")]
    pub meeting_type: Option<MeetingTypeBody>,
    #[schema(minimum = 2, maximum = 10000, default = 100)]
    pub max_participants: Option<u32>,
    #[schema(min_length = 6, max_length = 50)]
    pub meeting_password: Option<String>,
    #[schema(default = false)]
    pub waiting_room_enabled: Option<bool>,
    #[schema(default = false)]
    pub require_host_approval: Option<bool>,
    /// Whether everybody of the campus may come in uninvited.
    #[schema(default = false)]
    pub allow_guests: Option<bool>,
    pub features: Option<FeaturesBody>,
    pub recording_config: Option<RecordingConfigBody>,
    /// An RFC 5545 rule by which this is the first of 1 to 366 meetings: daily or rarer, with an end.
    #[schema(
        max_length = 512,
        pattern = "FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)",
        example = "FREQ=WEEKLY;COUNT=10"
    )]
    pub recurrence: Option<String>,
    /// IANA name of the zone in which occurrences keep their local time; only with `recurrence`.
    #[schema(default = "UTC")]
    pub recurrence_timezone: Option<String>,
}

/// What changes in a meeting; whatever is absent stays.
#[derive(ToSchema)]
#[schema(example = json!({ "meeting_name": "Weekly, renamed", "features": { "chat_enabled": false } }))]
pub struct MeetingChangeBody {
    #[schema(min_length = 1)]
    pub meeting_name: Option<String>,
    pub meeting_description: Option<String>,
    #[schema(format = DateTime)]
    pub meeting_start_time: Option<String>,
    #[schema(format = DateTime)]
    pub meeting_end_time: Option<String>,
    #[schema(min_length = 1)]
    pub meeting_location: Option<String>,
    /// Everybody who is invited from now on.
    #[schema(min_items = 1)]
    pub participants: Option<Vec<InviteeBody>>,
    pub meeting_type: Option<MeetingTypeBody>,
    #[schema(minimum = 2, maximum = 10000)]
    pub max_participants: Option<u32>,
    /// 6 to 50 characters; null or an empty text takes the password away.
    #[schema(max_length = 50)]
    pub meeting_password: Option<String>,
    pub waiting_room_enabled: Option<bool>,
    pub require_host_approval: Option<bool>,
    pub allow_guests: Option<bool>,
    pub features: Option<FeaturesBody>,
    pub recording_config: Option<RecordingConfigBody>,
    /// The rule from here on; null ends the series after this occurrence. That of a series changes with `series=true`.
    #[schema(max_length = 512, pattern = "FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)")]
    pub recurrence: Option<String>,
    pub recurrence_timezone: Option<String>,
}

/// How a meeting comes about.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum MeetingTypeBody {
    Scheduled,
    Instant,
    Recurring,
}

/// Somebody to invite: an account's id, an address, or both with more about the person.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum InviteeBody {
    /// An address if it contains `@`, else the id of an account.
    Named(String),
    Described(InviteeDescription),
}

/// Somebody to invite. One of `user_id` and `email` is needed.
#[derive(ToSchema)]
pub struct InviteeDescription {
    pub user_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub role: Option<RoleBody>,
}

/// People to be added to a meeting.
#[derive(ToSchema)]
#[schema(example = json!({ "participants": [{ "email": "second@demo.test", "role": "presenter" }] }))]
pub struct AdditionBody {
    #[schema(min_items = 1)]
    pub participants: Vec<InviteeBody>,
    #[schema(default = true)]
    pub send_invitation: Option<bool>,
    #[schema(max_length = 500)]
    pub invitation_message: Option<String>,
    /// The role of those that name none.
    #[schema(default = "attendee")]
    pub participant_role: Option<RoleBody>,
    #[schema(default = true)]
    pub notify_existing_participants: Option<bool>,
}

/// People to be removed from a meeting.
#[derive(ToSchema)]
#[schema(example = json!({ "participant_ids": ["01JDAVNTZ5A3C7E9G1J3M5P7RS"], "reason": "wrong class" }))]
pub struct RemovalBody {
    /// Records, sessions or accounts. Those that stand for nobody are left out.
    #[schema(min_items = 1, max_items = 1000)]
    pub participant_ids: Option<Vec<String>>,
    #[schema(default = true)]
    pub notify_removed_participants: Option<bool>,
    #[schema(default = false)]
    pub notify_existing_participants: Option<bool>,
    /// For the audit trail.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// Another role for somebody.
#[derive(ToSchema)]
#[schema(example = json!({ "new_role": "presenter", "permissions": { "can_record": true } }))]
pub struct RoleChangeBody {
    pub new_role: RoleBody,
    pub permissions: Option<OverridesBody>,
    #[schema(default = true)]
    pub notify_participant: Option<bool>,
    #[schema(default = false)]
    pub notify_others: Option<bool>,
}

/// What to search the directory for.
#[derive(ToSchema)]
#[schema(example = json!({ "query": "ada", "user_types": ["teachers"] }))]
pub struct SearchBody {
    #[schema(min_length = 1, max_length = 200)]
    pub query: String,
    #[schema(default = true)]
    pub exclude_current_participants: Option<bool>,
    /// More than 100 are clamped.
    #[schema(minimum = 1, default = 20)]
    pub limit: Option<u32>,
    /// Singular or plural; all of them if empty.
    pub user_types: Option<Vec<CategoryBody>>,
}

/// A group of people.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CategoryBody {
    Teachers,
    Students,
    Staff,
}

/// Single rights granted or taken; absent ones follow the role.
#[derive(ToSchema)]
pub struct OverridesBody {
    pub can_share_screen: Option<bool>,
    pub can_unmute_others: Option<bool>,
    pub can_manage_participants: Option<bool>,
    pub can_record: Option<bool>,
    pub can_manage_breakout_rooms: Option<bool>,
}

/// What somebody is in one meeting.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum RoleBody {
    Host,
    CoHost,
    Presenter,
    Attendee,
}

/// What is switched on.
#[derive(ToSchema)]
pub struct FeaturesBody {
    #[schema(default = true)]
    pub video_enabled: Option<bool>,
    #[schema(default = true)]
    pub audio_enabled: Option<bool>,
    #[schema(default = true)]
    pub screen_sharing_enabled: Option<bool>,
    #[schema(default = true)]
    pub chat_enabled: Option<bool>,
    #[schema(default = false)]
    pub recording_enabled: Option<bool>,
    #[schema(default = false)]
    pub breakout_rooms_enabled: Option<bool>,
    #[schema(default = false)]
    pub whiteboard_enabled: Option<bool>,
    #[schema(default = true)]
    pub hand_raise_enabled: Option<bool>,
}

/// What is recorded, where it goes and for how many days it is kept.
#[derive(ToSchema)]
pub struct RecordingConfigBody {
    #[schema(default = false)]
    pub auto_record: Option<bool>,
    #[schema(default = true)]
    pub record_video: Option<bool>,
    #[schema(default = true)]
    pub record_audio: Option<bool>,
    #[schema(default = false)]
    pub record_chat: Option<bool>,
    #[schema(default = "cloud")]
    pub storage_location: Option<StorageBody>,
    #[schema(minimum = 1, maximum = 365, default = 30)]
    pub retention_days: Option<u16>,
}

/// Where recordings go.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum StorageBody {
    Local,
    Cloud,
}

/// How one asks to come in.
#[derive(ToSchema)]
#[schema(example = json!({ "meeting_password": "open sesame" }))]
pub struct JoinBody {
    /// Of meetings that ask for one. Also accepted as `password`.
    pub meeting_password: Option<String>,
}

/// A new chat room.
#[derive(ToSchema)]
#[schema(example = json!({ "name": "Maths 7b", "members": [] }))]
pub struct ChatRoomBody {
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Ids of accounts of the campus; whoever makes the room is in it anyway.
    #[schema(max_items = 500)]
    pub members: Vec<String>,
}

/// Another name for a chat room.
#[derive(ToSchema)]
#[schema(example = json!({ "name": "Maths 7c" }))]
pub struct ChatRoomNameBody {
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
}

/// People for a chat room.
#[derive(ToSchema)]
#[schema(example = json!({ "members": ["01JDAVNTZ6MG8F0Q5W0R7YH3KC"] }))]
pub struct ChatMembersBody {
    /// Ids of accounts of the campus.
    #[schema(min_items = 1, max_items = 500)]
    pub members: Vec<String>,
}

/// A new message.
#[derive(ToSchema)]
#[schema(example = json!({ "content": "Welcome!" }))]
pub struct ChatMessageBody {
    /// May be absent or empty when files are sent.
    #[schema(max_length = 4000)]
    pub content: Option<String>,
    /// Own uploads that were not sent before.
    #[schema(max_items = 10)]
    pub attachments: Option<Vec<ChatFileBody>>,
    /// Ids of accounts; who cannot read the message is left out.
    #[schema(max_items = 50)]
    pub mentions: Option<Vec<String>>,
}

/// A file by its id, or the object that its upload was answered with.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum ChatFileBody {
    Id(String),
    Uploaded(ChatUploadedBody),
}

/// What an upload was answered with; the id is enough.
#[derive(ToSchema)]
pub struct ChatUploadedBody {
    pub id: String,
}

/// Another text for a message.
#[derive(ToSchema)]
#[schema(example = json!({ "content": "Welcome, all of you!" }))]
pub struct ChatTextBody {
    #[schema(max_length = 4000)]
    pub content: String,
}

/// A reaction.
#[derive(ToSchema)]
#[schema(example = json!({ "emoji": "👍" }))]
pub struct ChatReactionBody {
    /// At most 32 bytes, without control characters and markup.
    #[schema(min_length = 1, max_length = 32)]
    pub emoji: String,
    /// Absent: the other one of what is.
    pub action: Option<ChatReactionActionBody>,
}

/// What is to become of a reaction.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ChatReactionActionBody {
    Add,
    Remove,
}

/// A form with one file.
#[derive(ToSchema)]
pub struct FileBody {
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    pub file: Vec<u8>,
}

/// Somebody to be told of meetings.
#[derive(ToSchema)]
#[schema(example = json!({ "url": "https://hooks.example.org/plenum", "events": ["meeting.ended"] }))]
pub struct WebhookBody {
    /// Leads to a public address, over `https` unless the server allows otherwise; no user name, no part after `#`.
    #[schema(pattern = "^https?://", max_length = 2048)]
    pub url: String,
    /// Without it all but `participant.left`.
    #[schema(min_items = 1)]
    pub events: Option<Vec<WebhookEventBody>>,
    /// For administrators: of which campus; without it of every one.
    #[schema(max_length = 100)]
    pub campus: Option<String>,
    #[schema(max_length = 200)]
    pub description: Option<String>,
}

/// What changes about a webhook; whatever is absent stays.
#[derive(ToSchema)]
#[schema(example = json!({ "enabled": false }))]
pub struct WebhookChangeBody {
    pub enabled: Option<bool>,
    #[schema(min_items = 1)]
    pub events: Option<Vec<WebhookEventBody>>,
    #[schema(max_length = 200)]
    pub description: Option<String>,
    /// A new secret, which is in the answer; not for webhooks of the settings.
    #[schema(default = false)]
    pub rotate_secret: Option<bool>,
}

/// What a webhook can ask to be told.
#[derive(ToSchema)]
pub enum WebhookEventBody {
    #[serde(rename = "meeting.started")]
    MeetingStarted,
    #[serde(rename = "participant.joined")]
    ParticipantJoined,
    #[serde(rename = "participant.left")]
    ParticipantLeft,
    #[serde(rename = "meeting.ended")]
    MeetingEnded,
}
