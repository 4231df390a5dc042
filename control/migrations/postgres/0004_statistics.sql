-- What statistics remember of meetings beside attendance and messages, and when they were recorded.

-- So often one session did one thing within one minute of its meeting.
CREATE TABLE acts (
    meeting_id TEXT COLLATE "C" NOT NULL REFERENCES meetings (id),
    session_id TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('reaction', 'hand', 'unmute', 'share')),
    detail     TEXT COLLATE "C" NOT NULL, -- which reaction
    minute     BIGINT NOT NULL, -- from the start of the meeting
    times      BIGINT NOT NULL,
    PRIMARY KEY (meeting_id, session_id, kind, detail, minute)
);

-- What lasted: a shown screen, a quality of the connection. One without an end ended with its session.
CREATE TABLE stretches (
    meeting_id TEXT COLLATE "C" NOT NULL REFERENCES meetings (id),
    session_id TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('screen', 'excellent', 'good', 'fair', 'poor')),
    began_at   BIGINT NOT NULL,
    ended_at   BIGINT,
    PRIMARY KEY (meeting_id, session_id, kind, began_at)
);

-- Bytes carried by every room of the media plane that a meeting ever had.
CREATE TABLE traffic (
    room_id        TEXT COLLATE "C" PRIMARY KEY,
    meeting_id     TEXT COLLATE "C" NOT NULL REFERENCES meetings (id),
    received_bytes BIGINT NOT NULL,
    sent_bytes     BIGINT NOT NULL
);

CREATE INDEX traffic_meeting ON traffic (meeting_id);

CREATE TABLE recordings (
    id            TEXT COLLATE "C" PRIMARY KEY,
    meeting_id    TEXT COLLATE "C" NOT NULL REFERENCES meetings (id),
    started_user  TEXT COLLATE "C" REFERENCES accounts (id),
    started_guest TEXT COLLATE "C",
    started_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    -- What the recorder left; all of it or nothing.
    kind          TEXT COLLATE "C" CHECK (kind IN ('video', 'audio', 'screen', 'chat')),
    path          TEXT COLLATE "C",
    bytes         BIGINT,
    format        TEXT COLLATE "C",
    quality       TEXT COLLATE "C",
    processed_at  BIGINT,
    is_available  BOOLEAN NOT NULL DEFAULT FALSE,
    downloads     BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX recordings_meeting ON recordings (meeting_id, started_at);
CREATE UNIQUE INDEX recordings_one_runs ON recordings (meeting_id) WHERE ended_at IS NULL;
