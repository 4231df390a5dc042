-- What a list of meetings is chosen and ordered by, so that only the rows that are shown are read.
CREATE INDEX meetings_listed ON meetings (id) INCLUDE (deleted_at, campus_id, starts_at);
