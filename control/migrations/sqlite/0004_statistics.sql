-- What statistics remember of meetings beside attendance and messages, and when they were recorded.

-- So often one session did one thing within one minute of its meeting.
CREATE TABLE acts (
    meeting_id TEXT NOT NULL REFERENCES meetings (id),
    session_id TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('reaction', 'hand', 'unmute', 'share')),
    detail     TEXT NOT NULL, -- which reaction
    minute     INTEGER NOT NULL, -- from the start of the meeting
    times      INTEGER NOT NULL,
    PRIMARY KEY (meeting_id, session_id, kind, detail, minute)
) STRICT, WITHOUT ROWID;

-- What lasted: a shown screen, a quality of the connection. One without an end ended with its session.
CREATE TABLE stretches (
    meeting_id TEXT NOT NULL REFERENCES meetings (id),
    session_id TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('screen', 'excellent', 'good', 'fair', 'poor')),
    began_at   INTEGER NOT NULL,
    ended_at   INTEGER,
    PRIMARY KEY (meeting_id, session_id, kind, began_at)
) STRICT, WITHOUT ROWID;

-- Bytes carried by every room of the media plane that a meeting ever had.
CREATE TABLE traffic (
    room_id        TEXT PRIMARY KEY,
    meeting_id     TEXT NOT NULL REFERENCES meetings (id),
    received_bytes INTEGER NOT NULL,
    sent_bytes     INTEGER NOT NULL
) STRICT;

CREATE INDEX traffic_meeting ON traffic (meeting_id);

CREATE TABLE recordings (
    id            TEXT PRIMARY KEY,
    meeting_id    TEXT NOT NULL REFERENCES meetings (id),
    started_user  TEXT REFERENCES accounts (id),
    started_guest TEXT,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    -- What the recorder left; all of it or nothing.
    kind          TEXT CHECK (kind IN ('video', 'audio', 'screen', 'chat')),
    path          TEXT,
    bytes         INTEGER,
    format        TEXT,
    quality       TEXT,
    processed_at  INTEGER,
    is_available  INTEGER NOT NULL DEFAULT 0,
    downloads     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX recordings_meeting ON recordings (meeting_id, started_at);
CREATE UNIQUE INDEX recordings_one_runs ON recordings (meeting_id) WHERE ended_at IS NULL;
