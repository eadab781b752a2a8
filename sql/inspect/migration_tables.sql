-- The tables of {names}, which record applied migrations: one row per table and list of columns. Its
-- name, its columns as an array of JSON, whether this role may read it, and the shards that have it
-- so (a shard is its position in {shards}, from 1).
--
-- Left out are columns that differ although the migrations do not: times, and numbers that a
-- sequence counts. So are tables that another session has locked exclusively, which drift.sql lists.
WITH found AS (
    SELECT s.n, c.oid, c.relname::text, has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(ns.oid, 'USAGE') AS is_readable
    FROM unnest({shards}) WITH ORDINALITY AS s (name, n)
    JOIN pg_namespace AS ns ON ns.nspname = s.name
    JOIN pg_class AS c ON c.relnamespace = ns.oid
    WHERE c.relname::text = ANY ({names}) AND c.relkind IN ('r', 'p')
        AND NOT EXISTS (
            SELECT FROM pg_locks AS l
            WHERE l.relation = c.oid AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
), described AS (
    SELECT f.relname, f.n, f.is_readable,
        coalesce(json_agg(a.attname ORDER BY a.attname) FILTER (WHERE a.attname IS NOT NULL), '[]')::text AS columns
    FROM found AS f
    LEFT JOIN pg_attribute AS a ON a.attrelid = f.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
        AND a.atttypid NOT IN ('date'::regtype, 'time'::regtype, 'timetz'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype, 'interval'::regtype)
        AND NOT EXISTS (
            SELECT FROM pg_attrdef AS d
            WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%')
    GROUP BY f.relname, f.n, f.is_readable
)
SELECT relname, columns, is_readable, array_to_string(array_agg(n), ',')
FROM described
GROUP BY relname, columns, is_readable
ORDER BY relname, columns, is_readable
