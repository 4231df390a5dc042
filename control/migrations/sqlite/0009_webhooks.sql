-- Webhooks (C-60): who is told of meetings, and what is told, stored with the change it tells of.

CREATE TABLE webhook_endpoints (
    id               TEXT PRIMARY KEY,
    campus_id        TEXT, -- null: of every campus
    url              TEXT NOT NULL,
    description      TEXT NOT NULL,
    events_json      TEXT NOT NULL,
    secret           TEXT NOT NULL,
    old_secret       TEXT, -- signs too, for a while
    old_secret_until INTEGER,
    configured       INTEGER NOT NULL, -- from the settings
    off_reason       TEXT CHECK (off_reason IN ('administrator', 'gone', 'settings')), -- null: it is told
    created_at       INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX webhook_endpoints_configured ON webhook_endpoints (url) WHERE configured;
CREATE INDEX webhook_endpoints_campus ON webhook_endpoints (campus_id);

-- One line per endpoint and happening. Those of one endpoint and meeting are sent one after the other, by seq.
CREATE TABLE webhook_deliveries (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    endpoint_id  TEXT NOT NULL, -- not a reference: nobody's join may fail because somebody deletes an endpoint
    meeting_id   TEXT, -- null: about no meeting
    facts_json   TEXT NOT NULL,
    happened_at  INTEGER NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'dead')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    due_at       INTEGER NOT NULL,
    tried_until  INTEGER NOT NULL, -- given up after this
    lease        TEXT, -- who is sending it
    leased_until INTEGER,
    last_status  INTEGER, -- of the newest answer
    last_error   TEXT,
    delivered_at INTEGER
) STRICT;

CREATE INDEX webhook_deliveries_line ON webhook_deliveries (endpoint_id, meeting_id, seq) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (endpoint_id, status, seq);
CREATE INDEX webhook_deliveries_lease ON webhook_deliveries (lease) WHERE lease IS NOT NULL;
