-- Accounts, meetings, rosters, attendance, chat and the audit trail.
-- Ids are text: ULIDs of 26 characters, UUIDs with hyphens. Times are integers: microseconds since 1970, UTC.
-- Booleans are 0 or 1. Columns named *_json hold objects that only the application reads.

CREATE TABLE accounts (
    id               TEXT PRIMARY KEY,
    name             TEXT NOT NULL,
    email            TEXT NOT NULL,
    email_key        TEXT NOT NULL CONSTRAINT accounts_email_key UNIQUE, -- trimmed, lower case
    user_type        TEXT NOT NULL CHECK (user_type IN ('admin', 'campus_admin', 'teacher', 'staff', 'student', 'guest')),
    campus_id        TEXT NOT NULL,
    cross_campus     INTEGER NOT NULL DEFAULT 0,
    department       TEXT,
    profile_picture  TEXT,
    password_hash    TEXT NOT NULL, -- argon2id, PHC
    password_version INTEGER NOT NULL DEFAULT 1,
    created_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX accounts_campus ON accounts (campus_id, name);

CREATE TABLE meetings (
    id                    TEXT PRIMARY KEY,
    room_id               TEXT NOT NULL UNIQUE,
    campus_id             TEXT NOT NULL,
    creator_id            TEXT NOT NULL REFERENCES accounts (id),
    profile               TEXT NOT NULL,
    kind                  TEXT NOT NULL,
    status                TEXT NOT NULL CHECK (status IN ('scheduled', 'live', 'ended', 'cancelled')),
    name                  TEXT NOT NULL,
    description           TEXT NOT NULL,
    location              TEXT NOT NULL,
    starts_at             INTEGER NOT NULL,
    ends_at               INTEGER NOT NULL,
    max_participants      INTEGER NOT NULL,
    password_hash         TEXT,
    require_password      INTEGER NOT NULL,
    waiting_room_enabled  INTEGER NOT NULL,
    require_host_approval INTEGER NOT NULL,
    allow_guests          INTEGER NOT NULL,
    features_json         TEXT NOT NULL,
    recording_json        TEXT NOT NULL,
    entry_json            TEXT NOT NULL,
    created_at            INTEGER NOT NULL,
    started_at            INTEGER,
    ended_at              INTEGER,
    archived_at           INTEGER,
    deleted_at            INTEGER,
    participants_peak     INTEGER NOT NULL DEFAULT 0,
    final_stats_json      TEXT -- written once, when the meeting has ended
) STRICT;

CREATE INDEX meetings_creator ON meetings (creator_id, starts_at);
CREATE INDEX meetings_campus ON meetings (campus_id, starts_at);
CREATE INDEX meetings_status ON meetings (status) WHERE status = 'live';

CREATE TABLE roster (
    id             TEXT PRIMARY KEY,
    meeting_id     TEXT NOT NULL REFERENCES meetings (id),
    position       INTEGER NOT NULL, -- order of invitation
    user_id        TEXT REFERENCES accounts (id),
    email          TEXT,
    email_key      TEXT,
    name           TEXT NOT NULL,
    phone          TEXT,
    role           TEXT NOT NULL CHECK (role IN ('host', 'co_host', 'presenter', 'attendee')),
    overrides_json TEXT NOT NULL,
    listing        TEXT NOT NULL CHECK (listing IN ('invited', 'came_in', 'withdrawn')),
    joined_at      INTEGER,
    left_at        INTEGER
) STRICT;

CREATE INDEX roster_meeting ON roster (meeting_id, position);
CREATE UNIQUE INDEX roster_one_line_per_account ON roster (meeting_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX roster_user ON roster (user_id, meeting_id) WHERE user_id IS NOT NULL;
CREATE INDEX roster_email ON roster (email_key, meeting_id) WHERE user_id IS NULL;

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    meeting_id   TEXT NOT NULL REFERENCES meetings (id),
    roster_id    TEXT NOT NULL REFERENCES roster (id),
    user_id      TEXT REFERENCES accounts (id),
    display_name TEXT NOT NULL,
    joined_at    INTEGER NOT NULL,
    left_at      INTEGER,
    reason       TEXT CHECK (reason IN ('left', 'disconnected', 'kicked', 'ended'))
) STRICT;

CREATE INDEX sessions_meeting ON sessions (meeting_id, joined_at);
CREATE INDEX sessions_open ON sessions (meeting_id) WHERE left_at IS NULL;

CREATE TABLE messages (
    id              TEXT PRIMARY KEY,
    meeting_id      TEXT NOT NULL REFERENCES meetings (id),
    sender_user     TEXT REFERENCES accounts (id),
    sender_guest    TEXT,
    sender_name     TEXT NOT NULL,
    text            TEXT NOT NULL,
    kind            TEXT NOT NULL,
    recipient_kind  TEXT NOT NULL CHECK (recipient_kind IN ('all', 'host', 'private')),
    recipient_user  TEXT REFERENCES accounts (id),
    recipient_guest TEXT,
    sent_at         INTEGER NOT NULL,
    edited_at       INTEGER,
    deleted         INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX messages_meeting ON messages (meeting_id, sent_at, id);

CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    action     TEXT NOT NULL,
    actor_id   TEXT,
    campus_id  TEXT,
    meeting_id TEXT,
    outcome    TEXT NOT NULL,
    detail     TEXT
) STRICT;

CREATE INDEX audit_meeting ON audit (meeting_id, at);
CREATE INDEX audit_actor ON audit (actor_id, at);
