-- A message may point to a file that is kept elsewhere: where it is, and what its sender says about it.
ALTER TABLE messages ADD COLUMN link_json TEXT;
