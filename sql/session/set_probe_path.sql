-- Adds any one shard to the search_path, so that the parser, which checks the statement next, finds
-- its tables and can tell the column types. Returns at most two rows, to be ignored. Rolled back
-- before anything else happens.
--
-- The parser locks the tables and may have to wait for that, so the limits apply here too, and a
-- client that is killed meanwhile is noticed (session_settings.sql).
BEGIN READ ONLY;
SET LOCAL statement_timeout = {statement_timeout};
SET LOCAL lock_timeout = {lock_timeout};
SELECT pg_catalog.set_config('client_connection_check_interval', '1s', true)
WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL
  AND pg_catalog.version() OPERATOR(pg_catalog.~) 'linux';
SELECT pg_catalog.set_config('search_path', {search_path}, true)
FROM pg_catalog.pg_namespace
WHERE nspname OPERATOR(pg_catalog.~) {shards}
LIMIT 1
