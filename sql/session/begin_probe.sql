-- Opens a transaction for set_probe_path.sql, which is rolled back before anything else happens.
-- Returns at most one row, to be ignored.
--
-- The parser locks the tables and may have to wait for that, so the limits apply here too, and a
-- client that is killed meanwhile is noticed (session_settings.sql).
BEGIN READ ONLY;
SET LOCAL statement_timeout = {statement_timeout};
SET LOCAL lock_timeout = {lock_timeout};
SELECT pg_catalog.set_config('client_connection_check_interval', '1s', true)
WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL
  AND pg_catalog.version() OPERATOR(pg_catalog.~) 'linux'
