-- One row per pair of shards whose tables of the same name (in {names}) share rows by inheritance:
-- the table's name, one shard, the other shard. Either one table inherits from the other, or a
-- third from both, directly or indirectly.
WITH RECURSIVE line (root, heir) AS (
    SELECT c.oid, c.oid
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE c.relname OPERATOR(pg_catalog.=) ANY ({names}) AND n.nspname {is_shard}
    UNION
    SELECT line.root, i.inhrelid
    FROM line
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) line.heir
)
SELECT DISTINCT one.relname, one_schema.nspname, other_schema.nspname
FROM line AS of_one
JOIN line AS of_other ON of_other.heir OPERATOR(pg_catalog.=) of_one.heir AND of_other.root OPERATOR(pg_catalog.<) of_one.root
JOIN pg_catalog.pg_class AS one ON one.oid OPERATOR(pg_catalog.=) of_one.root
JOIN pg_catalog.pg_class AS other ON other.oid OPERATOR(pg_catalog.=) of_other.root AND other.relname OPERATOR(pg_catalog.=) one.relname
JOIN pg_catalog.pg_namespace AS one_schema ON one_schema.oid OPERATOR(pg_catalog.=) one.relnamespace
JOIN pg_catalog.pg_namespace AS other_schema ON other_schema.oid OPERATOR(pg_catalog.=) other.relnamespace
