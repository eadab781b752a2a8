-- One row: the name under which other transactions can take this one's snapshot.
-- Every connection exports it again, so that one that is lost can be replaced
-- while any other lives.
SELECT pg_catalog.pg_export_snapshot()
