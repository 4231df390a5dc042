-- Webhooks (C-60): who is told of meetings, and what is told, stored with the change it tells of.

CREATE TABLE webhook_endpoints (
    id               TEXT COLLATE "C" PRIMARY KEY,
    campus_id        TEXT COLLATE "C", -- null: of every campus
    url              TEXT COLLATE "C" NOT NULL,
    description      TEXT COLLATE "C" NOT NULL,
    events_json      TEXT COLLATE "C" NOT NULL,
    secret           TEXT COLLATE "C" NOT NULL,
    old_secret       TEXT COLLATE "C", -- signs too, for a while
    old_secret_until BIGINT,
    configured       BOOLEAN NOT NULL, -- from the settings
    off_reason       TEXT COLLATE "C" CHECK (off_reason IN ('administrator', 'gone', 'settings')), -- null: it is told
    created_at       BIGINT NOT NULL
);

CREATE UNIQUE INDEX webhook_endpoints_configured ON webhook_endpoints (url) WHERE configured;
CREATE INDEX webhook_endpoints_campus ON webhook_endpoints (campus_id);

-- One line per endpoint and happening. Those of one endpoint and meeting are sent one after the other, by seq.
CREATE TABLE webhook_deliveries (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT COLLATE "C" NOT NULL UNIQUE,
    endpoint_id  TEXT COLLATE "C" NOT NULL, -- not a reference: nobody's join may fail because somebody deletes an endpoint
    meeting_id   TEXT COLLATE "C", -- null: about no meeting
    facts_json   TEXT COLLATE "C" NOT NULL,
    happened_at  BIGINT NOT NULL,
    status       TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'delivered', 'dead')),
    attempts     BIGINT NOT NULL DEFAULT 0,
    due_at       BIGINT NOT NULL,
    tried_until  BIGINT NOT NULL, -- given up after this
    lease        TEXT COLLATE "C", -- who is sending it
    leased_until BIGINT,
    last_status  BIGINT, -- of the newest answer
    last_error   TEXT COLLATE "C",
    delivered_at BIGINT
);

CREATE INDEX webhook_deliveries_line ON webhook_deliveries (endpoint_id, meeting_id, seq) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (endpoint_id, status, seq);
CREATE INDEX webhook_deliveries_lease ON webhook_deliveries (lease) WHERE lease IS NOT NULL;
