-- What a run may cost the server, and what it must not meet, for its transaction only.
-- At most two rows, of no interest.
--
-- idle_in_transaction_session_timeout: a connection that holds the run's snapshot is
-- idle for as long as another shard streams, or a reader pauses: hours are normal, so a
-- limit of minutes would end good exports. But a client that hangs must not keep the
-- snapshot, and with it dead rows, for ever: a day is longer than any run.
--
-- search_path: what we look up here names its schema, but functions that it calls may
-- not. Temporary tables, which behind a pooler are another client's, come last.
--
-- client_connection_check_interval: a backend that computes for a client that has
-- crashed ends within a second (Postgres 14 on, where the system can tell).
--
-- Inside a savepoint, and behind a snapshot that is taken, READ ONLY cannot be set
-- off any more. (Before Postgres 16 it can be RESET, by a function and by set_config
-- to NULL: tables are safe even so, since nothing is ever committed, but a sequence
-- is not.) Turns open savepoints of their own (run_in_shard.sql); the first one called turn is
-- for a failure in front of them.
SET LOCAL statement_timeout = {statement_timeout};
SET LOCAL lock_timeout = {lock_timeout};
SET LOCAL idle_in_transaction_session_timeout = '24h';
SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ',
    CASE WHEN pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) ''
        THEN pg_catalog.current_setting('search_path') END,
    'pg_temp'), true)
UNION ALL
SELECT pg_catalog.set_config('client_connection_check_interval', '1s', true)
WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL
  AND pg_catalog.version() OPERATOR(pg_catalog.~) 'linux';
SAVEPOINT run;
SAVEPOINT turn
