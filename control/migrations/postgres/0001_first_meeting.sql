-- Accounts, meetings, rosters, attendance, chat and the audit trail: the tables of sqlite/0001, in PostgreSQL's words.
-- Ids are text: ULIDs of 26 characters, UUIDs with hyphens. Times are microseconds since 1970, UTC.
-- Columns named *_json hold objects that only the application reads.
-- Text is compared byte by byte (COLLATE "C"), as SQLite does it: lists have the same order on both.

-- A list of texts as rows, under SQLite's name for it, so that a statement is written once for both.
CREATE FUNCTION json_each(list TEXT) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE
    AS 'SELECT pg_catalog.json_array_elements_text(list::pg_catalog.json)';

CREATE TABLE accounts (
    id               TEXT COLLATE "C" PRIMARY KEY,
    name             TEXT COLLATE "C" NOT NULL,
    email            TEXT COLLATE "C" NOT NULL,
    email_key        TEXT COLLATE "C" NOT NULL CONSTRAINT accounts_email_key UNIQUE, -- trimmed, lower case
    user_type        TEXT COLLATE "C" NOT NULL
        CHECK (user_type IN ('admin', 'campus_admin', 'teacher', 'staff', 'student', 'guest')),
    campus_id        TEXT COLLATE "C" NOT NULL,
    cross_campus     BOOLEAN NOT NULL DEFAULT FALSE,
    department       TEXT COLLATE "C",
    profile_picture  TEXT COLLATE "C",
    password_hash    TEXT COLLATE "C" NOT NULL, -- argon2id, PHC
    password_version BIGINT NOT NULL DEFAULT 1,
    created_at       BIGINT NOT NULL
);

CREATE INDEX accounts_campus ON accounts (campus_id, name);

CREATE TABLE meetings (
    id                    TEXT COLLATE "C" PRIMARY KEY,
    room_id               TEXT COLLATE "C" NOT NULL UNIQUE,
    campus_id             TEXT COLLATE "C" NOT NULL,
    creator_id            TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    profile               TEXT COLLATE "C" NOT NULL,
    kind                  TEXT COLLATE "C" NOT NULL,
    status                TEXT COLLATE "C" NOT NULL CHECK (status IN ('scheduled', 'live', 'ended', 'cancelled')),
    name                  TEXT COLLATE "C" NOT NULL,
    description           TEXT COLLATE "C" NOT NULL,
    location              TEXT COLLATE "C" NOT NULL,
    starts_at             BIGINT NOT NULL,
    ends_at               BIGINT NOT NULL,
    max_participants      BIGINT NOT NULL,
    password_hash         TEXT COLLATE "C",
    require_password      BOOLEAN NOT NULL,
    waiting_room_enabled  BOOLEAN NOT NULL,
    require_host_approval BOOLEAN NOT NULL,
    allow_guests          BOOLEAN NOT NULL,
    features_json         TEXT COLLATE "C" NOT NULL,
    recording_json        TEXT COLLATE "C" NOT NULL,
    entry_json            TEXT COLLATE "C" NOT NULL,
    created_at            BIGINT NOT NULL,
    started_at            BIGINT,
    ended_at              BIGINT,
    archived_at           BIGINT,
    deleted_at            BIGINT,
    participants_peak     BIGINT NOT NULL DEFAULT 0,
    final_stats_json      TEXT COLLATE "C" -- written once, when the meeting has ended
);

CREATE INDEX meetings_creator ON meetings (creator_id, starts_at);
CREATE INDEX meetings_campus ON meetings (campus_id, starts_at);
CREATE INDEX meetings_status ON meetings (status) WHERE status = 'live';

CREATE TABLE roster (
    id             TEXT COLLATE "C" PRIMARY KEY,
    meeting_id     TEXT COLLATE "C" NOT NULL REFERENCES meetings (id),
    position       BIGINT NOT NULL, -- order of invitation
    user_id        TEXT COLLATE "C" REFERENCES accounts (id),
    email          TEXT COLLATE "C",
    email_key      TEXT COLLATE "C",
    name           TEXT COLLATE "C" NOT NULL,
    phone          TEXT COLLATE "C",
    role           TEXT COLLATE "C" NOT NULL CHECK (role IN ('host', 'co_host', 'presenter', 'attendee')),
    overrides_json TEXT COLLATE "C" NOT NULL,
    listing        TEXT COLLATE "C" NOT NULL CHECK (listing IN ('invited', 'came_in', 'withdrawn')),
    joined_at      BIGINT,
    left_at        BIGINT
);

CREATE INDEX roster_meeting ON roster (meeting_id, position);
CREATE UNIQUE INDEX roster_one_line_per_account ON roster (meeting_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX roster_user ON roster (user_id, meeting_id) WHERE user_id IS NOT NULL;
CREATE INDEX roster_email ON roster (email_key, meeting_id) WHERE user_id IS NULL;

CREATE TABLE sessions (
    id           TEXT COLLATE "C" PRIMARY KEY,
    meeting_id   TEXT COLLATE "C" NOT NULL REFERENCES meetings (id),
    roster_id    TEXT COLLATE "C" NOT NULL REFERENCES roster (id),
    user_id      TEXT COLLATE "C" REFERENCES accounts (id),
    display_name TEXT COLLATE "C" NOT NULL,
    joined_at    BIGINT NOT NULL,
    left_at      BIGINT,
    reason       TEXT COLLATE "C" CHECK (reason IN ('left', 'disconnected', 'kicked', 'ended'))
);

CREATE INDEX sessions_meeting ON sessions (meeting_id, joined_at);
CREATE INDEX sessions_open ON sessions (meeting_id) WHERE left_at IS NULL;
-- PostgreSQL looks here whenever a roster line is deleted.
CREATE INDEX sessions_roster ON sessions (roster_id);

CREATE TABLE messages (
    id              TEXT COLLATE "C" PRIMARY KEY,
    meeting_id      TEXT COLLATE "C" NOT NULL REFERENCES meetings (id),
    sender_user     TEXT COLLATE "C" REFERENCES accounts (id),
    sender_guest    TEXT COLLATE "C",
    sender_name     TEXT COLLATE "C" NOT NULL,
    text            TEXT COLLATE "C" NOT NULL,
    kind            TEXT COLLATE "C" NOT NULL,
    recipient_kind  TEXT COLLATE "C" NOT NULL CHECK (recipient_kind IN ('all', 'host', 'private')),
    recipient_user  TEXT COLLATE "C" REFERENCES accounts (id),
    recipient_guest TEXT COLLATE "C",
    sent_at         BIGINT NOT NULL,
    edited_at       BIGINT,
    deleted         BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE INDEX messages_meeting ON messages (meeting_id, sent_at, id);

CREATE TABLE audit (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         BIGINT NOT NULL,
    action     TEXT COLLATE "C" NOT NULL,
    actor_id   TEXT COLLATE "C",
    campus_id  TEXT COLLATE "C",
    meeting_id TEXT COLLATE "C",
    outcome    TEXT COLLATE "C" NOT NULL,
    detail     TEXT COLLATE "C"
);

CREATE INDEX audit_meeting ON audit (meeting_id, at);
CREATE INDEX audit_actor ON audit (actor_id, at);
