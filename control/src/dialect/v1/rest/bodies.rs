//! The bodies of requests, for the description. Handlers read them field by field (decision 0014); a test sends what is
//! described here, and what it forbids, and compares what happens.

use utoipa::ToSchema;

/// How one comes in.
#[derive(ToSchema)]
#[schema(example = json!({ "connection_id": "conn_123456789", "device_type": "desktop", "join_muted": true }))]
pub struct V1JoinBody {
    /// What the client calls its connection: a socket of the same label goes on with this session. Also accepted as
    /// `connectionId`.
    #[schema(max_length = 100)]
    pub connection_id: Option<String>,
    /// What the person sits at. Also accepted as `deviceType`.
    #[schema(max_length = 100, default = "unknown")]
    pub device_type: Option<String>,
    #[schema(default = false)]
    pub join_muted: Option<bool>,
    /// The camera is off on entering in any case: it is on once the client says so, or sends a picture.
    #[schema(default = false)]
    pub join_without_video: Option<bool>,
    /// Of meetings that ask for one.
    pub meeting_password: Option<String>,
}

/// A new message.
#[derive(ToSchema)]
#[schema(example = json!({
    "content": "Hello everyone!", "message_type": "text", "recipient_id": null, "file_url": null, "file_name": null,
    "file_type": null, "file_size": null,
}))]
pub struct V1MessageBody {
    /// May be empty when there is a file.
    #[schema(min_length = 1, max_length = 4000)]
    pub content: String,
    /// Also accepted as `messageType`.
    #[schema(default = "text")]
    pub message_type: Option<V1MessageType>,
    /// Of a private message: whom it is for, by session, roster or account id.
    pub recipient_id: Option<String>,
    /// An own upload by the path it was answered with, or a file on another server; that makes it a message of type
    /// `file`.
    pub file_url: Option<String>,
    #[schema(max_length = 255)]
    pub file_name: Option<String>,
    #[schema(max_length = 255)]
    pub file_type: Option<String>,
    /// In bytes.
    #[schema(minimum = 0)]
    pub file_size: Option<u64>,
}

/// What a message carries.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum V1MessageType {
    Text,
    File,
    Poll,
    Announcement,
}

/// Whom a LiveKit token is for.
#[derive(ToSchema)]
#[schema(example = json!({ "user_id": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "user_name": "Hanna Host" }))]
pub struct V1TokenBody {
    /// One's own account; hosts may name anybody's on the roster.
    #[schema(min_length = 1)]
    pub user_id: String,
    /// The name to be shown there.
    #[schema(min_length = 1, max_length = 100)]
    pub user_name: String,
    /// Of meetings that ask for one, of those who are not inside.
    pub meeting_password: Option<String>,
}

/// A status that changes; whatever is absent stays.
#[derive(ToSchema)]
#[schema(example = json!({
    "is_muted": false, "is_video_enabled": true, "is_screen_sharing": false, "is_hand_raised": true,
    "is_in_waiting_room": false,
}))]
pub struct V1StatusBody {
    pub is_muted: Option<bool>,
    pub is_video_enabled: Option<bool>,
    pub is_screen_sharing: Option<bool>,
    pub is_hand_raised: Option<bool>,
    /// `false` lets the named person in, and says nothing of whoever is inside. Nobody is sent back: `true` is refused.
    #[schema(value_type = Option<bool>)]
    pub is_in_waiting_room: Option<bool>,
    /// Whose status it is, by session, roster or account id; absent: the caller's. Of others hosts may let in, mute, lift
    /// that, and lower hands.
    pub participant_user_id: Option<String>,
}

/// Rooms to be opened.
#[derive(ToSchema)]
#[schema(example = json!({
    "room_count": 3,
    "rooms": [{
        "name": "Breakout Room 1", "description": "Discussion group for project planning", "capacity": 5,
        "settings": { "allow_chat": true, "allow_screen_share": false },
    }],
    "auto_assign": false, "allow_participants_to_choose": true, "allow_participants_to_return": true,
    "time_limit_minutes": 30,
}))]
pub struct V1BreakoutsBody {
    #[schema(minimum = 1, maximum = 100)]
    pub room_count: u32,
    /// At most as many as are counted; those that are missing are named "Breakout Room N".
    #[schema(max_items = 100)]
    pub rooms: Option<Vec<V1RoomBody>>,
    /// Whether attendees inside are spread over the rooms, one after the other.
    #[schema(default = false)]
    pub auto_assign: Option<bool>,
    #[schema(default = false)]
    pub allow_participants_to_choose: Option<bool>,
    #[schema(default = true)]
    pub allow_participants_to_return: Option<bool>,
    /// The rooms close by themselves after so long.
    #[schema(minimum = 1, maximum = 1440)]
    pub time_limit_minutes: Option<u32>,
}

/// A room to be opened.
#[derive(ToSchema)]
pub struct V1RoomBody {
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    pub name: String,
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    #[schema(minimum = 1, maximum = 10_000)]
    pub capacity: Option<u32>,
    pub settings: Option<V1RoomSettingsBody>,
}

/// What people in a room may do.
#[derive(ToSchema)]
pub struct V1RoomSettingsBody {
    #[schema(default = true)]
    pub allow_chat: Option<bool>,
    #[schema(default = true)]
    pub allow_screen_share: Option<bool>,
}

/// Who goes where.
#[derive(ToSchema)]
#[schema(example = json!({
    "participant_user_id": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "breakout_room_id": "01JDAVNTZ6MG8F0Q5W0R7YH3KD",
    "assignment_type": "manual",
}))]
pub struct V1AssignBody {
    /// By session, roster or account id.
    #[schema(min_length = 1)]
    pub participant_user_id: String,
    #[schema(min_length = 1)]
    pub breakout_room_id: String,
    /// Who chose; it makes no difference.
    #[schema(default = "manual")]
    pub assignment_type: Option<V1AssignmentBody>,
}

/// Who chose a room.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum V1AssignmentBody {
    Manual,
    Auto,
}

/// Who comes back; nobody named: the caller.
#[derive(ToSchema)]
#[schema(example = json!({ "everyone": true }))]
pub struct V1ReturnBody {
    /// Everybody, whoever else is named.
    #[schema(default = false)]
    pub everyone: Option<bool>,
    /// One person, by session, roster or account id.
    pub participant_user_id: Option<String>,
}

/// Words for all rooms.
#[derive(ToSchema)]
#[schema(example = json!({ "message": "Two minutes left" }))]
pub struct V1BroadcastBody {
    #[schema(min_length = 1, max_length = 4000)]
    pub message: String,
}

/// A security policy; whatever is absent stays.
#[derive(ToSchema)]
#[schema(example = json!({
    "require_waiting_room": true, "require_password": false, "allow_anonymous_join": false, "max_participants": 50,
    "allowed_domains": ["demo.test"], "blocked_users": [], "recording_permissions": "host",
    "screen_share_permissions": "all", "chat_permissions": "all", "mute_on_entry": true, "disable_camera": false,
    "lock_meeting": false,
}))]
pub struct V1PolicyBody {
    /// When it is switched off, those who wait come in.
    pub require_waiting_room: Option<bool>,
    /// Asks for a password that is there; without one there is nothing to ask for.
    pub require_password: Option<bool>,
    pub allow_anonymous_join: Option<bool>,
    /// Removes nobody.
    #[schema(minimum = 2, maximum = 10000)]
    pub max_participants: Option<u32>,
    /// Of e-mail addresses; empty: all. Does not bind the creator.
    #[schema(max_items = 100)]
    pub allowed_domains: Option<Vec<String>>,
    /// Ids of accounts. Whoever is inside is out; hosts cannot be blocked.
    #[schema(max_items = 1000)]
    pub blocked_users: Option<Vec<String>>,
    pub recording_permissions: Option<LevelBody>,
    pub screen_share_permissions: Option<LevelBody>,
    pub chat_permissions: Option<LevelBody>,
    pub mute_on_entry: Option<bool>,
    /// Nobody but hosts and co-hosts is seen.
    pub disable_camera: Option<bool>,
    /// Nobody else comes in but hosts.
    pub lock_meeting: Option<bool>,
}

/// Whom something is left to: hosts and co-hosts, or everybody.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum LevelBody {
    Host,
    All,
}
