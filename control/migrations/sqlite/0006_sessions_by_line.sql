-- Whether somebody is still inside is asked by the line of the roster, whenever a session closes.
CREATE INDEX IF NOT EXISTS sessions_roster ON sessions (roster_id);
