-- Chat rooms, what hangs on messages, and files.

CREATE TABLE chat_rooms (
    id         TEXT PRIMARY KEY,
    campus_id  TEXT NOT NULL,
    name       TEXT NOT NULL,
    owner_id   TEXT NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;

CREATE TABLE chat_members (
    room_id   TEXT NOT NULL REFERENCES chat_rooms (id),
    user_id   TEXT NOT NULL REFERENCES accounts (id),
    position  INTEGER NOT NULL, -- order of coming
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (room_id, user_id)
) STRICT;

CREATE INDEX chat_members_user ON chat_members (user_id, room_id);

-- A message is in a meeting or in a room; chat_id is whichever it is. SQLite cannot loosen a column, so the table is
-- made anew.
CREATE TABLE messages_anywhere (
    id              TEXT PRIMARY KEY,
    meeting_id      TEXT REFERENCES meetings (id),
    room_id         TEXT REFERENCES chat_rooms (id),
    chat_id         TEXT GENERATED ALWAYS AS (COALESCE(meeting_id, room_id)) VIRTUAL,
    sender_user     TEXT REFERENCES accounts (id),
    sender_guest    TEXT,
    sender_name     TEXT NOT NULL,
    text            TEXT NOT NULL,
    kind            TEXT NOT NULL,
    recipient_kind  TEXT NOT NULL CHECK (recipient_kind IN ('all', 'host', 'private')),
    recipient_user  TEXT REFERENCES accounts (id),
    recipient_guest TEXT,
    mentions_json   TEXT NOT NULL DEFAULT '[]',
    sent_at         INTEGER NOT NULL,
    edited_at       INTEGER,
    deleted         INTEGER NOT NULL DEFAULT 0,
    CHECK ((meeting_id IS NULL) <> (room_id IS NULL))
) STRICT;

INSERT INTO messages_anywhere
    (id, meeting_id, sender_user, sender_guest, sender_name, text, kind, recipient_kind, recipient_user,
     recipient_guest, sent_at, edited_at, deleted)
SELECT id, meeting_id, sender_user, sender_guest, sender_name, text, kind, recipient_kind, recipient_user,
       recipient_guest, sent_at, edited_at, deleted
FROM messages;

DROP TABLE messages;
ALTER TABLE messages_anywhere RENAME TO messages;
CREATE INDEX messages_chat ON messages (chat_id, sent_at, id);

CREATE TABLE message_reactions (
    message_id TEXT NOT NULL REFERENCES messages (id),
    emoji      TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES accounts (id),
    given_at   INTEGER NOT NULL,
    PRIMARY KEY (message_id, emoji, user_id)
) STRICT;

CREATE TABLE message_receipts (
    message_id   TEXT NOT NULL REFERENCES messages (id),
    user_id      TEXT NOT NULL REFERENCES accounts (id),
    delivered_at INTEGER,
    seen_at      INTEGER,
    PRIMARY KEY (message_id, user_id)
) STRICT;

CREATE TABLE attachments (
    id          TEXT PRIMARY KEY,
    uploader_id TEXT NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    bytes       INTEGER NOT NULL,
    uploaded_at INTEGER NOT NULL,
    message_id  TEXT REFERENCES messages (id),
    position    INTEGER NOT NULL DEFAULT 0, -- within the message
    removed_at  INTEGER -- to be removed from the disk, then from here
) STRICT;

CREATE INDEX attachments_message ON attachments (message_id, position) WHERE message_id IS NOT NULL;
CREATE INDEX attachments_uploader ON attachments (uploader_id);
CREATE INDEX attachments_unsent ON attachments (uploaded_at) WHERE message_id IS NULL;
CREATE INDEX attachments_removed ON attachments (removed_at) WHERE removed_at IS NOT NULL;
