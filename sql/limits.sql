-- What a run may cost the server, for its transaction only. At most one row, of
-- no interest.
--
-- A backend that computes for a client that has crashed ends within a second
-- (client_connection_check_interval: Postgres 14 on, where the system can tell).
-- The savepoint is where every turn starts from; inside it, and behind a
-- snapshot that is taken, READ ONLY cannot be switched off any more.
SET LOCAL statement_timeout = {statement_timeout};
SET LOCAL lock_timeout = {lock_timeout};
SET LOCAL idle_in_transaction_session_timeout = 0;
SELECT pg_catalog.set_config('client_connection_check_interval', '1s', true)
WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL
  AND pg_catalog.version() ~ 'linux';
SAVEPOINT turn
