-- Returns one row: the name under which other transactions can import this snapshot, and the pid of
-- the server process. Behind a pooler that pid differs from the one reported at connection start.
-- Every connection exports the snapshot again, so that a lost connection can be replaced while any
-- other is alive.
SELECT pg_catalog.pg_export_snapshot(), pg_catalog.pg_backend_pid()
