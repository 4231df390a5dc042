-- Chat rooms, what hangs on messages, and files. The same tables as SQLite's of this number.

CREATE TABLE chat_rooms (
    id         TEXT COLLATE "C" PRIMARY KEY,
    campus_id  TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    owner_id   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);

CREATE TABLE chat_members (
    room_id   TEXT COLLATE "C" NOT NULL REFERENCES chat_rooms (id),
    user_id   TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    position  BIGINT NOT NULL, -- order of coming
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
);

CREATE INDEX chat_members_user ON chat_members (user_id, room_id);

-- A message is in a meeting or in a room; chat_id is whichever it is.
ALTER TABLE messages ALTER COLUMN meeting_id DROP NOT NULL;
ALTER TABLE messages ADD COLUMN room_id TEXT COLLATE "C" REFERENCES chat_rooms (id);
ALTER TABLE messages ADD COLUMN mentions_json TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE messages ADD COLUMN chat_id TEXT COLLATE "C" GENERATED ALWAYS AS (COALESCE(meeting_id, room_id)) STORED;
ALTER TABLE messages ADD CHECK ((meeting_id IS NULL) <> (room_id IS NULL));
DROP INDEX messages_meeting;
CREATE INDEX messages_chat ON messages (chat_id, sent_at, id);

CREATE TABLE message_reactions (
    message_id TEXT COLLATE "C" NOT NULL REFERENCES messages (id),
    emoji      TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    given_at   BIGINT NOT NULL,
    PRIMARY KEY (message_id, emoji, user_id)
);

CREATE TABLE message_receipts (
    message_id   TEXT COLLATE "C" NOT NULL REFERENCES messages (id),
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    delivered_at BIGINT,
    seen_at      BIGINT,
    PRIMARY KEY (message_id, user_id)
);

CREATE TABLE attachments (
    id          TEXT COLLATE "C" PRIMARY KEY,
    uploader_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    name        TEXT COLLATE "C" NOT NULL,
    media_type  TEXT COLLATE "C" NOT NULL,
    bytes       BIGINT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    message_id  TEXT COLLATE "C" REFERENCES messages (id),
    position    BIGINT NOT NULL DEFAULT 0, -- within the message
    removed_at  BIGINT -- to be removed from the disk, then from here
);

CREATE INDEX attachments_message ON attachments (message_id, position) WHERE message_id IS NOT NULL;
CREATE INDEX attachments_uploader ON attachments (uploader_id);
CREATE INDEX attachments_unsent ON attachments (uploaded_at) WHERE message_id IS NULL;
CREATE INDEX attachments_removed ON attachments (removed_at) WHERE removed_at IS NOT NULL;
