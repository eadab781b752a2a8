-- Returns one row for each table of the shard {shard}, where {is_table} is true of its tables: its
-- name, its kind, its size in bytes with indexes and TOAST, and its rows. One row of NULLs if it has
-- none, and no row if there is no such schema.
--
-- Runs in each shard by itself, because it opens every table and so waits for its locks. The number
-- of tables varies, so each is counted by a statement of its own: query_to_xml runs one at this
-- snapshot, and returns <row><n>12</n></row>. ONLY: children and partitions are counted on their own.
SELECT
    c.relname,
    c.relkind,
    pg_catalog.pg_total_relation_size(c.oid),
    CASE WHEN c.oid IS NOT NULL THEN pg_catalog.substring(
        pg_catalog.query_to_xml(
            pg_catalog.format('SELECT pg_catalog.count(*) AS n FROM ONLY %I.%I', n.nspname, c.relname),
            false, true, '')::pg_catalog.text,
        '<n>([0-9]+)</n>')::pg_catalog.int8 END
FROM pg_catalog.pg_namespace AS n
LEFT JOIN pg_catalog.pg_class AS c ON {is_table}
WHERE n.nspname OPERATOR(pg_catalog.=) {shard}
