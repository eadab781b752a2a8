-- Limits what a run may cost the server, for this transaction only. Returns at most two rows, to be
-- ignored.
--
-- idle_in_transaction_session_timeout: the connection that holds the run's snapshot is idle while
-- other shards stream or the reader pauses. That can take hours, so a limit of minutes would abort
-- valid exports. But a client that hangs must not hold the snapshot, and with it dead rows,
-- forever: a day is longer than any run.
--
-- search_path: shardq qualifies all names that it looks up, but functions that it calls may not.
-- pg_temp comes last, because behind a pooler it can hold another client's temporary tables.
--
-- client_connection_check_interval: a query whose client has crashed ends within a second (Postgres
-- 14 and later, where the operating system supports it).
--
-- Inside a savepoint, with the snapshot already taken, READ ONLY can no longer be switched off.
-- (Before Postgres 16 a function, or set_config to NULL, can still RESET it. Tables are safe even
-- then, because nothing is ever committed, but sequences are not.) Each task opens its own
-- savepoint (run_in_shard.sql); the first "task" below is for failures before that.
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
SAVEPOINT task
