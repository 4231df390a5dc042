"""Made from /api/openapi.json by `make sdk`; a test compares it with what the server says."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


# Whom something is left to: hosts and co-hosts, or everybody.
LevelBody: TypeAlias = "Literal['host', 'all']"

# What a message carries.
MessageTypeWord: TypeAlias = "Literal['text', 'file', 'poll', 'announcement']"

# What somebody is in one meeting.
RoleWord: TypeAlias = "Literal['host', 'co_host', 'presenter', 'attendee']"

# ISO 8601 in UTC with milliseconds
Timestamp: TypeAlias = "str"


class V1AssignBody(TypedDict):
    """Who goes where."""

    assignment_type: NotRequired[V1AssignmentBody | None]
    breakout_room_id: str
    # By session, roster or account id.
    participant_user_id: str


class V1Assigned(TypedDict):
    """Who goes where."""

    breakout_room_id: str
    # As it was asked for.
    participant_user_id: str

# Who chose a room.
V1AssignmentBody: TypeAlias = "Literal['manual', 'auto']"


class V1BreakoutAssignedTold(TypedDict):
    name: str | None
    participant_id: str
    # Null: the main room.
    room_id: str | None


class V1BreakoutRoom(TypedDict):
    """A room and who is in it."""

    # Null: as many as the meeting has.
    capacity: int | None
    # Persons inside.
    current_participants: int
    description: str | None
    is_active: bool
    name: str
    room_id: str
    participants: list[V1RoomParticipant]
    settings: V1RoomSettings


class V1BreakoutRoomsTold(TypedDict):
    """The rooms that are open. What is said to all of them is a `chat` of type announcement."""

    allow_participants_to_choose: bool
    allow_participants_to_return: bool
    # Empty when no rooms are open.
    rooms: list[V1BreakoutRoom]
    time_limit_at: Timestamp | None


class V1Breakouts(TypedDict):
    """The rooms that are open."""

    allow_participants_to_choose: bool
    allow_participants_to_return: bool
    # The room of the caller; null is the main room.
    own_room_id: str | None
    # Empty when no rooms are open.
    rooms: list[V1BreakoutRoom]
    time_limit_at: Timestamp | None


class V1BreakoutsBody(TypedDict):
    """Rooms to be opened."""

    allow_participants_to_choose: NotRequired[bool | None]
    allow_participants_to_return: NotRequired[bool | None]
    # Whether attendees inside are spread over the rooms, one after the other.
    auto_assign: NotRequired[bool | None]
    room_count: int
    # At most as many as are counted; those that are missing are named "Breakout Room N".
    rooms: NotRequired[list[V1RoomBody] | None]
    # The rooms close by themselves after so long.
    time_limit_minutes: NotRequired[int | None]


class V1Broadcast(TypedDict):
    """What was said to all rooms."""

    meeting_id: str | None
    message: str
    # Its place in the meeting's chat.
    message_id: str
    sent_at: Timestamp


class V1BroadcastBody(TypedDict):
    """Words for all rooms."""

    message: str


class V1ChatTold(TypedDict):
    """A message. A deleted one keeps its place and loses what it said."""

    content: str
    file_name: str | None
    # In bytes.
    file_size: int | None
    file_type: str | None
    # Of a message with a file: where that is. Of one with several, the first.
    file_url: str | None
    # Whether it is for some people only.
    is_private: bool
    message_id: str
    message_type: MessageTypeWord
    # The sender's account, or the session of somebody without one.
    sender_id: str
    sender_name: str
    timestamp: Timestamp
    # Of a message to one person; null to all, and to those who run the meeting.
    recipient_id: str | None


class V1Ended(TypedDict):
    """A meeting that is over."""

    duration_minutes: int
    ended_at: Timestamp | None
    # Whoever ended it.
    ended_by: str
    meeting_id: str


class V1EndedTold(TypedDict):
    ended_at: Timestamp
    # `host` or `time-limit`.
    reason: str


class V1ErrorTold(TypedDict):
    """A refusal, in the words of REST."""

    code: str
    # What exactly, where there is more to say.
    details: dict[str, Any]
    # For people, in English.
    message: str
    # The type of the message that was refused; null when it could not be read, and when nothing was asked.
    request: str | None


class V1HandTold(TypedDict):
    # Place in the queue; 1 is next. Null when lowered.
    hand_position: int | None
    is_hand_raised: bool
    participant_id: str
    user_name: str


class V1JoinBody(TypedDict):
    """How one comes in."""

    # What the client calls its connection: a socket of the same label goes on with this session. Also accepted as
    # `connectionId`.
    connection_id: NotRequired[str | None]
    # What the person sits at. Also accepted as `deviceType`.
    device_type: NotRequired[str | None]
    join_muted: NotRequired[bool | None]
    # The camera is off on entering in any case: it is on once the client says so, or sends a picture.
    join_without_video: NotRequired[bool | None]
    # Of meetings that ask for one.
    meeting_password: NotRequired[str | None]


class V1JoinTold(TypedDict):
    """Somebody inside."""

    device_info: V1JoinToldDeviceInfo
    is_hand_raised: bool
    is_muted: bool
    is_screen_sharing: bool
    is_video_enabled: bool
    joined_at: Timestamp
    # This join; another one after leaving and coming back.
    participant_id: str
    # The account, or the session of somebody without one.
    user_id: str
    user_name: str
    user_role: RoleWord


class V1JoinToldDeviceInfo(TypedDict):
    device_type: str


class V1Joined(TypedDict):
    """Somebody who came in, or waits."""

    is_muted: bool
    is_video_enabled: bool
    # Since when he is inside, or waits.
    joined_at: Timestamp
    meeting_id: str
    # This join; another one has another id.
    participant_id: str
    role: RoleWord
    status: V1PresenceWord
    user_id: str | None


class V1JoinedTold(TypedDict):
    """Oneself, and everybody who was inside before, in order of joining."""

    device_info: V1JoinedToldDeviceInfo
    is_hand_raised: bool
    is_muted: bool
    is_screen_sharing: bool
    is_video_enabled: bool
    joined_at: Timestamp
    # This join; another one after leaving and coming back.
    participant_id: str
    # The account, or the session of somebody without one.
    user_id: str
    user_name: str
    user_role: RoleWord
    participants: list[V1JoinTold]


class V1JoinedToldDeviceInfo(TypedDict):
    device_type: str


class V1LeaveTold(TypedDict):
    participant_id: str
    # `left`, `disconnected`, `kicked` or `ended`.
    reason: str
    user_name: str


class V1Left(TypedDict):
    """Somebody who left."""

    duration_minutes: int
    left_at: Timestamp
    meeting_id: str


class V1MeetingStatus(TypedDict):
    """How a meeting stands."""

    # Distinct persons inside now.
    active_participants: int
    # Distinct persons who have been inside so far.
    attendance_count: int
    ended_at: Timestamp | None
    # Whether it is in progress.
    is_active: bool
    is_recording: bool
    meeting_id: str
    started_at: Timestamp | None
    status: V1StatusWord


class V1Message(TypedDict):
    """A message. A deleted one keeps its place and loses what it said."""

    content: str
    file_name: str | None
    # In bytes.
    file_size: int | None
    file_type: str | None
    # Of a message with a file: where that is. Of one with several, the first.
    file_url: str | None
    # Whether it is for some people only.
    is_private: bool
    message_id: str
    message_type: MessageTypeWord
    # The sender's account, or the session of somebody without one.
    sender_id: str
    sender_name: str
    timestamp: Timestamp


class V1MessageBody(TypedDict):
    """A new message."""

    # May be empty when there is a file.
    content: str
    file_name: NotRequired[str | None]
    # In bytes.
    file_size: NotRequired[int | None]
    file_type: NotRequired[str | None]
    # An own upload by the path it was answered with, or a file on another server; that makes it a message of type
    # `file`.
    file_url: NotRequired[str | None]
    message_type: NotRequired[V1MessageType | None]
    # Of a private message: whom it is for, by session, roster or account id.
    recipient_id: NotRequired[str | None]

# What a message carries.
V1MessageType: TypeAlias = "Literal['text', 'file', 'poll', 'announcement']"


class V1OpenedRoom(TypedDict):
    """A room that was opened."""

    # Null: as many as the meeting has.
    capacity: int | None
    # Persons inside.
    current_participants: int
    description: str | None
    is_active: bool
    name: str
    room_id: str


class V1Participant(TypedDict):
    """A session of a meeting. People without an account have no `user_id`."""

    device_type: str
    is_hand_raised: bool
    is_muted: bool
    is_screen_sharing: bool
    is_video_enabled: bool
    # Since when he is inside, or waits.
    joined_at: Timestamp
    participant_id: str
    role: RoleWord
    status: V1PresenceWord
    user_id: str | None
    user_name: str


class V1ParticipantStatus(TypedDict):
    """What somebody has switched on."""

    is_hand_raised: bool
    is_in_waiting_room: bool
    is_muted: bool
    is_screen_sharing: bool
    is_video_enabled: bool

# Nothing.
V1PingTold: TypeAlias = "dict[str, Any]"


class V1PolicyBody(TypedDict):
    """A security policy; whatever is absent stays."""

    allow_anonymous_join: NotRequired[bool | None]
    # Of e-mail addresses; empty: all. Does not bind the creator.
    allowed_domains: NotRequired[list[str] | None]
    # Ids of accounts. Whoever is inside is out; hosts cannot be blocked.
    blocked_users: NotRequired[list[str] | None]
    chat_permissions: NotRequired[LevelBody | None]
    # Nobody but hosts and co-hosts is seen.
    disable_camera: NotRequired[bool | None]
    # Nobody else comes in but hosts.
    lock_meeting: NotRequired[bool | None]
    # Removes nobody.
    max_participants: NotRequired[int | None]
    mute_on_entry: NotRequired[bool | None]
    recording_permissions: NotRequired[LevelBody | None]
    # Asks for a password that is there; without one there is nothing to ask for.
    require_password: NotRequired[bool | None]
    # When it is switched off, those who wait come in.
    require_waiting_room: NotRequired[bool | None]
    screen_share_permissions: NotRequired[LevelBody | None]

# Nothing.
V1PongTold: TypeAlias = "dict[str, Any]"

# Where somebody is.
V1PresenceWord: TypeAlias = "Literal['joined', 'waiting']"


class V1ReactionTold(TypedDict):
    # Seconds to show it.
    duration: int
    participant_id: str
    # A name such as `thumbs_up`; an emoji that has none as it was sent.
    reaction_type: str
    user_name: str


class V1ReturnBody(TypedDict):
    """Who comes back; nobody named: the caller."""

    # Everybody, whoever else is named.
    everyone: NotRequired[bool | None]
    # One person, by session, roster or account id.
    participant_user_id: NotRequired[str | None]


class V1RoomBody(TypedDict):
    """A room to be opened."""

    capacity: NotRequired[int | None]
    description: NotRequired[str | None]
    name: str
    settings: NotRequired[V1RoomSettingsBody | None]


class V1RoomParticipant(TypedDict):
    """A session in a room."""

    participant_id: str
    # Null for people without an account.
    user_id: str | None
    user_name: str


class V1RoomSettings(TypedDict):
    """What people in a room may do."""

    allow_chat: bool
    allow_screen_share: bool


class V1RoomSettingsBody(TypedDict):
    """What people in a room may do."""

    allow_chat: NotRequired[bool | None]
    allow_screen_share: NotRequired[bool | None]


class V1Started(TypedDict):
    """A meeting that began."""

    meeting_id: str
    started_at: Timestamp | None
    # Whoever started it.
    started_by: str


class V1StatusBody(TypedDict):
    """A status that changes; whatever is absent stays."""

    is_hand_raised: NotRequired[bool | None]
    # `false` lets the named person in, and says nothing of whoever is inside. Nobody is sent back: `true` is refused.
    is_in_waiting_room: NotRequired[bool | None]
    is_muted: NotRequired[bool | None]
    is_screen_sharing: NotRequired[bool | None]
    is_video_enabled: NotRequired[bool | None]
    # Whose status it is, by session, roster or account id; absent: the caller's. Of others hosts may let in, mute, lift
    # that, and lower hands.
    participant_user_id: NotRequired[str | None]

# Where a meeting is in its life; one that runs is in progress (LIFE-10).
V1StatusWord: TypeAlias = "Literal['scheduled', 'in_progress', 'ended', 'cancelled']"


class V1Token(TypedDict):
    """A pass to a LiveKit server."""

    is_host: bool
    livekit_url: str
    meeting_id: str
    # For that server alone; here it opens nothing.
    token: str
    # Whom it is for.
    user_id: str
    user_name: str


class V1TokenBody(TypedDict):
    """Whom a LiveKit token is for."""

    # Of meetings that ask for one, of those who are not inside.
    meeting_password: NotRequired[str | None]
    # One's own account; hosts may name anybody's on the roster.
    user_id: str
    # The name to be shown there.
    user_name: str


class V1UpdateTold(TypedDict):
    # Waits to be let in; or, to whoever waited: is inside.
    is_in_waiting_room: NotRequired[bool]
    is_muted: NotRequired[bool]
    # A host silenced you: the microphone stays off until this is lifted. To that person alone.
    is_muted_by_host: NotRequired[bool]
    is_screen_sharing: NotRequired[bool]
    is_video_enabled: NotRequired[bool]
    participant_id: NotRequired[str]
    user_name: NotRequired[str]
    user_role: NotRequired[RoleWord]

# GET /api/v1/meetings/{meeting_id}/breakout-rooms
V1ListBreakoutRoomsData: TypeAlias = V1Breakouts

# POST /api/v1/meetings/{meeting_id}/breakout-rooms
V1CreateBreakoutRoomsBody: TypeAlias = V1BreakoutsBody
V1CreateBreakoutRoomsData: TypeAlias = "list[V1OpenedRoom]"

# DELETE /api/v1/meetings/{meeting_id}/breakout-rooms
V1CloseBreakoutRoomsData: TypeAlias = "list[V1BreakoutRoom]"

# POST /api/v1/meetings/{meeting_id}/breakout-rooms/assign
V1AssignBreakoutRoomBody: TypeAlias = V1AssignBody
V1AssignBreakoutRoomData: TypeAlias = V1Assigned

# POST /api/v1/meetings/{meeting_id}/breakout-rooms/broadcast
V1BroadcastToBreakoutRoomsBody: TypeAlias = V1BroadcastBody
V1BroadcastToBreakoutRoomsData: TypeAlias = V1Broadcast

# POST /api/v1/meetings/{meeting_id}/breakout-rooms/return
V1ReturnFromBreakoutRoomBody: TypeAlias = V1ReturnBody
V1ReturnFromBreakoutRoomData: TypeAlias = V1Breakouts

# GET /api/v1/meetings/{meeting_id}/chat


class V1ListMessagesQuery(TypedDict):
    # The newest so many, 50 without it; more than 500 are clamped.
    limit: NotRequired[int]
    # How many of the newest to leave out.
    offset: NotRequired[int]
V1ListMessagesData: TypeAlias = "list[V1Message]"

# POST /api/v1/meetings/{meeting_id}/chat
V1SendMessageBody: TypeAlias = V1MessageBody
V1SendMessageData: TypeAlias = V1Message

# POST /api/v1/meetings/{meeting_id}/end
V1EndMeetingData: TypeAlias = V1Ended

# POST /api/v1/meetings/{meeting_id}/join
V1JoinMeetingBody: TypeAlias = V1JoinBody
V1JoinMeetingData: TypeAlias = V1Joined

# POST /api/v1/meetings/{meeting_id}/leave
V1LeaveMeetingData: TypeAlias = V1Left

# GET /api/v1/meetings/{meeting_id}/participants
V1ListParticipantsData: TypeAlias = "list[V1Participant]"

# PUT /api/v1/meetings/{meeting_id}/participants/status
V1UpdateParticipantStatusBody: TypeAlias = V1StatusBody
V1UpdateParticipantStatusData: TypeAlias = V1ParticipantStatus

# POST /api/v1/meetings/{meeting_id}/security/policy
V1ApplySecurityPolicyBody: TypeAlias = V1PolicyBody
V1ApplySecurityPolicyData: TypeAlias = "None"

# POST /api/v1/meetings/{meeting_id}/start
V1StartMeetingData: TypeAlias = V1Started

# GET /api/v1/meetings/{meeting_id}/status
V1GetMeetingStatusData: TypeAlias = V1MeetingStatus

# POST /api/v1/meetings/{meeting_id}/token
V1CreateLivekitTokenBody: TypeAlias = V1TokenBody
V1CreateLivekitTokenData: TypeAlias = V1Token

# What the messages of the event stream carry as `data`.
BreakoutAssignedEvent: TypeAlias = "V1BreakoutAssignedTold"
BreakoutRoomsChangedEvent: TypeAlias = "V1BreakoutRoomsTold"
ChatEvent: TypeAlias = "V1ChatTold"
ErrorEvent: TypeAlias = "V1ErrorTold"
HandRaiseEvent: TypeAlias = "V1HandTold"
JoinEvent: TypeAlias = "V1JoinTold"
JoinedEvent: TypeAlias = "V1JoinedTold"
LeaveEvent: TypeAlias = "V1LeaveTold"
MeetingEndedEvent: TypeAlias = "V1EndedTold"
ParticipantUpdateEvent: TypeAlias = "V1UpdateTold"
PingEvent: TypeAlias = "V1PingTold"
PongEvent: TypeAlias = "V1PongTold"
ReactionEvent: TypeAlias = "V1ReactionTold"

# The messages that tell what happens: pings are answered, errors are told as such.
ServerEvent: TypeAlias = Literal[
    "breakout_assigned",
    "breakout_rooms_changed",
    "chat",
    "hand_raise",
    "join",
    "joined",
    "leave",
    "meeting_ended",
    "participant_update",
    "reaction",
]

# What the server may refuse with, as far as it is described.
ServerCode: TypeAlias = Literal[
    "ATTACHMENT_NOT_FOUND",
    "BREAKOUT_ROOM_FULL",
    "BREAKOUT_ROOM_NOT_FOUND",
    "CHAT_DISABLED",
    "INSUFFICIENT_PERMISSION",
    "INTERNAL_ERROR",
    "INVALID_MEETING_PASSWORD",
    "LIVEKIT_TOKEN_ERROR",
    "MAX_PARTICIPANTS_REACHED",
    "MEETING_ALREADY_ACTIVE",
    "MEETING_CANNOT_BE_STARTED",
    "MEETING_ENDED",
    "MEETING_LOCKED",
    "MEETING_NOT_ACTIVE",
    "MEETING_NOT_FOUND",
    "MEETING_PASSWORD_REQUIRED",
    "MEETING_PAST",
    "PARTICIPANT_NOT_FOUND",
    "PAYLOAD_TOO_LARGE",
    "RATE_LIMIT_EXCEEDED",
    "SCREEN_SHARE_DISABLED",
    "SERVICE_UNAVAILABLE",
    "UNAUTHORIZED",
    "VALIDATION_ERROR",
    "WAITING_ROOM_REQUIRED",
]
