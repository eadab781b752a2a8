-- One row: the name under which other transactions can take this one's snapshot, and the
-- server process that we talk to: another than connecting has told, where a pooler is in
-- between. Every connection exports the snapshot again, so that one that is lost can be
-- replaced while any other lives.
SELECT pg_catalog.pg_export_snapshot(), pg_catalog.pg_backend_pid()
