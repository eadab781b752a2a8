-- Returns one row for each server process of this database that holds or waits for a lock on a
-- table or index of a shard, that waits for any other lock, or that blocks one of these; and for
-- each prepared transaction that holds a lock on a table of a shard:
-- * pid (NULL if prepared), user, application, client's address (NULL if local), state
-- * seconds since the transaction began, and since the process waits for a lock
-- * the shards with locked tables, as positions in {shards}, and the strongest mode of these locks
-- * what it waits for: the kind of lock, its mode, the position of the shard, the table
-- * the pids that block it; 0 is a prepared transaction
-- * its statement: the last one if it is idle
--
-- pg_locks is read once: it stops all locking for a moment. So does pg_blocking_pids, which is
-- called only for processes that wait. With 1,024 shards it takes 7 ms, and 30 ms with 2,000 locks.
--
-- pg_locks.waitstart is new in Postgres 14. Pids are those of leaders: parallel workers are left
-- out. A prepared transaction is found by the lock on its own id: its virtual transaction is that of
-- the process that prepared it, until the server restarts.
WITH locks AS (
    SELECT
        l.pid, l.virtualtransaction, l.transactionid, l.database, l.relation, l.locktype, l.mode,
        l.granted,
        CASE WHEN NOT l.granted THEN (to_jsonb(l) ->> 'waitstart')::timestamptz END AS waitstart
    FROM pg_locks AS l
    WHERE l.pid IS DISTINCT FROM pg_backend_pid()),
on_shards AS (
    SELECT l.pid, l.virtualtransaction, l.locktype, l.granted, s.n, c.relname,
        array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock',
            'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
            'AccessExclusiveLock'], l.mode) AS strength
    FROM locks AS l
    JOIN pg_class AS c ON c.oid = l.relation
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN unnest({shards}) WITH ORDINALITY AS s (name, n) ON s.name = n.nspname
    WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database())),
held AS (
    SELECT pid, virtualtransaction, string_agg(DISTINCT n::text, ',') AS shards,
        max(strength) AS strength
    FROM on_shards
    -- A lock on a row is not one on its table.
    WHERE granted AND locktype = 'relation'
    GROUP BY pid, virtualtransaction),
waiting AS (
    SELECT DISTINCT ON (l.pid)
        l.pid, l.locktype, l.mode, l.waitstart, s.n, s.relname, pg_blocking_pids(l.pid) AS blocked_by
    FROM locks AS l
    JOIN pg_stat_activity AS a ON a.pid = l.pid AND a.datname = current_database()
    LEFT JOIN on_shards AS s ON s.pid = l.pid AND NOT s.granted
    WHERE NOT l.granted),
processes AS (
    SELECT a.*
    FROM pg_stat_activity AS a
    WHERE a.backend_type IS DISTINCT FROM 'parallel worker'
        AND (a.datname = current_database()
            AND (a.pid IN (SELECT pid FROM held) OR a.pid IN (SELECT pid FROM waiting))
            OR a.pid IN (SELECT unnest(blocked_by) FROM waiting)))
SELECT
    a.pid, a.usename, a.application_name, host(a.client_addr), a.state,
    extract(epoch FROM clock_timestamp() - a.xact_start),
    extract(epoch FROM clock_timestamp() - coalesce(w.waitstart,
        CASE WHEN w.pid IS NOT NULL THEN a.query_start END)),
    h.shards, h.strength, w.locktype, w.mode, w.n, w.relname,
    array_to_string(w.blocked_by, ','),
    a.query
FROM processes AS a
LEFT JOIN held AS h ON h.pid = a.pid
LEFT JOIN waiting AS w ON w.pid = a.pid
UNION ALL
SELECT
    NULL, p.owner, NULL, NULL, 'prepared',
    extract(epoch FROM clock_timestamp() - p.prepared), NULL,
    h.shards, h.strength, NULL, NULL, NULL, NULL, NULL,
    'PREPARE TRANSACTION ' || quote_literal(p.gid)
FROM held AS h
JOIN locks AS l ON l.virtualtransaction = h.virtualtransaction
    AND l.pid IS NULL
    AND l.locktype = 'transactionid'
JOIN pg_prepared_xacts AS p ON p.transaction = l.transactionid
WHERE h.pid IS NULL
