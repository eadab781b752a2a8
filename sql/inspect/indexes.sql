-- Every index over all shards: one row per definition of it. 'index', its table, its name, `has` or
-- `locked`, its definition from the method on without the shard's own name, the same as the server
-- prints it if that differs, the shard of which that is, how many shards have it so, and which (NULL
-- if all do). A shard is its position in {shards}, from 1.
--
-- The rows are those of drift.sql, which says more about names and locks: pg_get_indexdef waits for
-- whoever holds ACCESS EXCLUSIVE on the table, so tables that are locked so are returned as `locked`.
WITH ns AS MATERIALIZED (
    SELECT s.n::int4 AS n, ns.oid,
        '(?<![[:alnum:]_$"])' || regexp_replace(quote_ident(ns.nspname), '([^[:alnum:]_])', '\\\1', 'g') || '\.' AS prefix
    FROM unnest({shards}) WITH ORDINALITY AS s (name, n)
    JOIN pg_namespace AS ns ON ns.nspname = s.name
), held AS MATERIALIZED (
    SELECT coalesce(i.indrelid, l.relation) AS oid, min(l.pid) AS pid
    FROM pg_locks AS l
    LEFT JOIN pg_index AS i ON i.indexrelid = l.relation
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
        AND l.pid IS DISTINCT FROM pg_backend_pid()
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY 1
), rel AS MATERIALIZED (
    SELECT n.n, n.prefix, c.oid, c.relname::text, h.oid IS NOT NULL AS is_locked, h.pid
    FROM ns AS n
    JOIN pg_class AS c ON c.relnamespace = n.oid
    LEFT JOIN held AS h ON h.oid = c.oid
    WHERE c.relkind IN ('r', 'p', 'm')
), printed AS MATERIALIZED (
    SELECT c.n, c.prefix, c.relname, x.relname::text AS name,
        CASE WHEN i.indisprimary THEN 'PRIMARY KEY ' WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END
            || substring(pg_get_indexdef(i.indexrelid) FROM ' USING (.*)')
            || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
            || CASE WHEN i.indisready THEN '' ELSE ' (not ready)' END AS raw
    FROM rel AS c
    JOIN pg_index AS i ON i.indrelid = c.oid
    JOIN pg_class AS x ON x.oid = i.indexrelid
    WHERE NOT c.is_locked
), defined AS MATERIALIZED (
    SELECT n, relname, name, raw, regexp_replace(raw, prefix, '', 'g') AS def FROM printed
), variant AS (
    SELECT relname, name, def, (array_agg(raw ORDER BY n))[1] AS raw, min(n) AS first,
        count(*) AS shards, array_agg(n ORDER BY n) AS which
    FROM defined
    GROUP BY relname, name, def
), answer AS (
    SELECT 'index' AS kind, relname AS parent, name, 'has' AS state, def, raw, first, shards, which FROM variant
    UNION ALL
    SELECT 'locked', '', relname, 'locked', NULL, pid::text, NULL, count(*), array_agg(n)
    FROM rel WHERE is_locked GROUP BY relname, pid
)
SELECT kind, parent, name, state, def, nullif(raw, def), first, shards,
    CASE WHEN shards < (SELECT count(*) FROM ns) THEN array_to_string(which, ',') END
FROM answer
