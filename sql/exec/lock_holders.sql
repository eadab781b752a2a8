-- What may have kept a statement waiting: one row per session or prepared transaction that holds or
-- awaits an exclusive lock on a relation in {where}. Its process, user and application; the prepared
-- transaction; one such relation, a table if there is one; the processes that it waits for itself;
-- the seconds since its transaction began; its state and statement. Statements of other users are
-- visible to members of pg_read_all_stats only.
--
-- Reads wait for ACCESS EXCLUSIVE alone. A session that still awaits it counts too, since whoever
-- comes later queues behind it.
SELECT DISTINCT ON (l.granted, since, l.virtualtransaction)
    l.pid,
    a.usename,
    a.application_name,
    p.gid,
    pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname)),
    CASE WHEN NOT l.granted THEN pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(l.pid), ', ') END,
    pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) since)::pg_catalog.int8,
    a.state,
    a.query
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) l.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) l.pid
LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON l.pid IS NULL
    AND pg_catalog.concat('-1/', p.transaction::pg_catalog.text) OPERATOR(pg_catalog.=) l.virtualtransaction
CROSS JOIN LATERAL coalesce(a.xact_start, p.prepared) AS since
WHERE l.locktype OPERATOR(pg_catalog.=) 'relation'
    AND l.mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock'
    AND l.database OPERATOR(pg_catalog.=) (
        SELECT oid FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
    AND {where}
ORDER BY l.granted DESC, since, l.virtualtransaction, c.relkind OPERATOR(pg_catalog.=) ANY ('{i,I,t}'), c.oid
LIMIT {limit}
