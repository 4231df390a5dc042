-- Breakout rooms that are open, with everybody's place in them; gone when they are closed or the meeting ends.
CREATE TABLE breakouts (
    meeting_id TEXT COLLATE "C" PRIMARY KEY REFERENCES meetings (id),
    rooms_json TEXT NOT NULL
);
