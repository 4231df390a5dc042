-- The directory of a campus can be searched, and the trail says whom a deed was done to.

-- The name in the form in which it is compared: the application writes it, folding every letter of every script. Accounts
-- of before have it folded by the database until they are written again, which here knows the letters of ASCII.
ALTER TABLE accounts ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE accounts SET name_key = lower(trim(name));

-- Everything a search compares, so that it reads this index and then only the accounts it found.
DROP INDEX accounts_campus;
CREATE INDEX accounts_directory ON accounts (campus_id, name_key, email_key, user_type, id);

ALTER TABLE audit ADD COLUMN target_id TEXT;

-- The trail is read newest first, by its number.
DROP INDEX audit_meeting;
DROP INDEX audit_actor;
CREATE INDEX audit_meeting ON audit (meeting_id, seq);
CREATE INDEX audit_actor ON audit (actor_id, seq);
CREATE INDEX audit_campus ON audit (campus_id, seq);
