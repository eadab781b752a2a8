-- Every table over all shards: one row per name and kind. Its name and its kind; the shards that have
-- it, as positions in {shards} from 1; and for each of them its rows, its bytes with indexes and
-- TOAST, and 1 if it was never analyzed, so that nothing is known of its rows and size.
--
-- Rows and bytes are estimates, as of the last VACUUM or ANALYZE: they are in pg_class, take no
-- locks and touch no files. They come back for each shard, because medians of several databases
-- have no common median.
WITH ns AS MATERIALIZED (
    SELECT s.n, ns.oid
    FROM unnest({shards}) WITH ORDINALITY AS s (name, n)
    JOIN pg_namespace AS ns ON ns.nspname = s.name
), indexes AS MATERIALIZED (
    SELECT i.indrelid, sum(x.relpages) AS pages
    FROM pg_index AS i
    JOIN pg_class AS x ON x.oid = i.indexrelid
    WHERE x.relpages > 0
    GROUP BY i.indrelid
), toast AS MATERIALIZED (
    SELECT t.oid, t.relpages + coalesce(i.pages, 0) AS pages
    FROM pg_class AS t
    LEFT JOIN indexes AS i ON i.indrelid = t.oid
    WHERE t.relkind = 't'
), sized AS (
    SELECT n.n, c.relname::text AS name, c.relkind,
        c.relkind <> 'p' AND c.reltuples < 1 AND c.relpages = 0 AS is_unknown,
        greatest(c.reltuples, 0)::int8 AS rows,
        (c.relpages::int8 + coalesce(i.pages, 0) + coalesce(t.pages, 0)) * current_setting('block_size')::int8 AS bytes
    FROM ns AS n
    JOIN pg_class AS c ON c.relnamespace = n.oid
    LEFT JOIN indexes AS i ON i.indrelid = c.oid
    LEFT JOIN toast AS t ON t.oid = c.reltoastrelid
    WHERE c.relkind IN ('r', 'p', 'm', 'f')
)
SELECT name,
    CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END,
    array_to_string(array_agg(n ORDER BY n), ','),
    array_to_string(array_agg(rows ORDER BY n), ','),
    array_to_string(array_agg(bytes::int8 ORDER BY n), ','),
    array_to_string(array_agg(is_unknown::int4 ORDER BY n), ',')
FROM sized
GROUP BY name, relkind
