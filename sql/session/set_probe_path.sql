-- Puts a shard into the search_path, whichever comes first, so that the check of
-- the statement that follows finds tables and can tell the columns' types. At most two
-- rows, of no interest. Rolled back before anything else happens.
--
-- The check looks the tables up, and waits for whoever has locked one: the limits
-- hold for it as well, and a client that is killed meanwhile is noticed (session_settings.sql).
BEGIN READ ONLY;
SET LOCAL statement_timeout = {statement_timeout};
SET LOCAL lock_timeout = {lock_timeout};
SELECT pg_catalog.set_config('client_connection_check_interval', '1s', true)
WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL
  AND pg_catalog.version() OPERATOR(pg_catalog.~) 'linux';
SELECT pg_catalog.set_config('search_path', {search_path}, true)
FROM pg_catalog.pg_namespace
WHERE nspname OPERATOR(pg_catalog.~) '^shard_(0|[1-9][0-9]{0,9})$'
LIMIT 1
