-- Series of meetings (C-39), and mail that is stored before it is sent (C-64).

CREATE TABLE series (
    id                TEXT PRIMARY KEY, -- that of its first occurrence
    campus_id         TEXT NOT NULL,
    creator_id        TEXT NOT NULL REFERENCES accounts (id),
    profile           TEXT NOT NULL,
    rule              TEXT NOT NULL,
    zone              TEXT NOT NULL,
    starts_at         INTEGER NOT NULL, -- of the first occurrence, from which the rule counts
    ends_at           INTEGER NOT NULL,
    template_json     TEXT NOT NULL, -- what occurrences begin with
    calendar_sequence INTEGER NOT NULL,
    made_until        INTEGER NOT NULL, -- start, by the rule, of the newest occurrence that was made
    next_at           INTEGER, -- start of the next one; null when there is none
    created_at        INTEGER NOT NULL,
    ended_at          INTEGER
) STRICT;

CREATE INDEX series_open ON series (next_at) WHERE ended_at IS NULL;

ALTER TABLE meetings ADD COLUMN series_id TEXT REFERENCES series (id);
ALTER TABLE meetings ADD COLUMN occurrence_at INTEGER; -- start by the rule
ALTER TABLE meetings ADD COLUMN recurrence TEXT; -- rule and zone of the series as they are now
ALTER TABLE meetings ADD COLUMN recurrence_zone TEXT;
ALTER TABLE meetings ADD COLUMN calendar_sequence INTEGER NOT NULL DEFAULT 0;

CREATE UNIQUE INDEX meetings_occurrence ON meetings (series_id, occurrence_at) WHERE series_id IS NOT NULL;

-- What is said, once however many it is said to.
CREATE TABLE announcements (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('invitation', 'update', 'cancellation', 'removal')),
    campus_id  TEXT NOT NULL,
    meeting_id TEXT NOT NULL REFERENCES meetings (id),
    facts_json TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The outbox: one line per person.
CREATE TABLE mails (
    id              TEXT PRIMARY KEY,
    announcement_id TEXT NOT NULL REFERENCES announcements (id),
    same_key        TEXT NOT NULL UNIQUE, -- what is the same to the reader is kept once
    to_name         TEXT NOT NULL,
    to_email        TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('queued', 'sent', 'failed')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    due_at          INTEGER NOT NULL,
    tried_until     INTEGER NOT NULL, -- given up after this
    lease           TEXT, -- who is sending it
    leased_until    INTEGER,
    last_error      TEXT,
    sent_at         INTEGER
) STRICT;

CREATE INDEX mails_due ON mails (due_at) WHERE status = 'queued';
CREATE INDEX mails_announcement ON mails (announcement_id);
CREATE INDEX mails_lease ON mails (lease) WHERE lease IS NOT NULL;
CREATE INDEX announcements_campus ON announcements (campus_id);
