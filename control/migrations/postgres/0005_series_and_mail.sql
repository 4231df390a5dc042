-- Series of meetings (C-39), and mail that is stored before it is sent (C-64).

CREATE TABLE series (
    id                TEXT COLLATE "C" PRIMARY KEY, -- that of its first occurrence
    campus_id         TEXT COLLATE "C" NOT NULL,
    creator_id        TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    profile           TEXT COLLATE "C" NOT NULL,
    rule              TEXT COLLATE "C" NOT NULL,
    zone              TEXT COLLATE "C" NOT NULL,
    starts_at         BIGINT NOT NULL, -- of the first occurrence, from which the rule counts
    ends_at           BIGINT NOT NULL,
    template_json     TEXT COLLATE "C" NOT NULL, -- what occurrences begin with
    calendar_sequence BIGINT NOT NULL,
    made_until        BIGINT NOT NULL, -- start, by the rule, of the newest occurrence that was made
    next_at           BIGINT, -- start of the next one; null when there is none
    created_at        BIGINT NOT NULL,
    ended_at          BIGINT
);

CREATE INDEX series_open ON series (next_at) WHERE ended_at IS NULL;

ALTER TABLE meetings ADD COLUMN series_id TEXT COLLATE "C" REFERENCES series (id);
ALTER TABLE meetings ADD COLUMN occurrence_at BIGINT; -- start by the rule
ALTER TABLE meetings ADD COLUMN recurrence TEXT COLLATE "C"; -- rule and zone of the series as they are now
ALTER TABLE meetings ADD COLUMN recurrence_zone TEXT COLLATE "C";
ALTER TABLE meetings ADD COLUMN calendar_sequence BIGINT NOT NULL DEFAULT 0;

CREATE UNIQUE INDEX meetings_occurrence ON meetings (series_id, occurrence_at) WHERE series_id IS NOT NULL;

-- What is said, once however many it is said to.
CREATE TABLE announcements (
    id         TEXT COLLATE "C" PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('invitation', 'update', 'cancellation', 'removal')),
    campus_id  TEXT COLLATE "C" NOT NULL,
    meeting_id TEXT COLLATE "C" NOT NULL REFERENCES meetings (id),
    facts_json TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

-- The outbox: one line per person.
CREATE TABLE mails (
    id              TEXT COLLATE "C" PRIMARY KEY,
    announcement_id TEXT COLLATE "C" NOT NULL REFERENCES announcements (id),
    same_key        TEXT COLLATE "C" NOT NULL UNIQUE, -- what is the same to the reader is kept once
    to_name         TEXT COLLATE "C" NOT NULL,
    to_email        TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN ('queued', 'sent', 'failed')),
    attempts        BIGINT NOT NULL DEFAULT 0,
    due_at          BIGINT NOT NULL,
    tried_until     BIGINT NOT NULL, -- given up after this
    lease           TEXT COLLATE "C", -- who is sending it
    leased_until    BIGINT,
    last_error      TEXT COLLATE "C",
    sent_at         BIGINT
);

CREATE INDEX mails_due ON mails (due_at) WHERE status = 'queued';
CREATE INDEX mails_announcement ON mails (announcement_id);
CREATE INDEX mails_lease ON mails (lease) WHERE lease IS NOT NULL;
CREATE INDEX announcements_campus ON announcements (campus_id);
