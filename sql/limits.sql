-- What a run may cost the server, for its transaction only. At most one row, of
-- no interest.
--
-- A backend that computes for a client that has crashed ends within a second
-- (client_connection_check_interval: Postgres 14 on, where the system can tell).
-- Inside a savepoint, and behind a snapshot that is taken, READ ONLY cannot be set
-- off any more. (Before Postgres 16 it can be RESET, by a function and by set_config
-- to NULL: tables are safe even so, since nothing is ever committed, but a sequence
-- is not.) Turns open savepoints of their own (turn.sql); the first one called turn is
-- for a failure in front of them.
SET LOCAL statement_timeout = {statement_timeout};
SET LOCAL lock_timeout = {lock_timeout};
SET LOCAL idle_in_transaction_session_timeout = 0;
SELECT pg_catalog.set_config('client_connection_check_interval', '1s', true)
WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL
  AND pg_catalog.version() OPERATOR(pg_catalog.~) 'linux';
SAVEPOINT run;
SAVEPOINT turn
