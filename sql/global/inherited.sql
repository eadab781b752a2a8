-- One row per table of {names} that a shard's table of the same name inherits from,
-- in another shard: the table's name, the heir's shard, the other one. What is read
-- in the other one has the heir's rows too, whatever is between the two.
WITH RECURSIVE line (heir, ancestor) AS (
    SELECT i.inhrelid, i.inhparent
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    WHERE c.relname = ANY ({names})
    UNION
    SELECT line.heir, i.inhparent
    FROM line
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = line.ancestor
)
SELECT heir.relname, heir_schema.nspname, parent_schema.nspname
FROM line
JOIN pg_catalog.pg_class AS heir ON heir.oid = line.heir
JOIN pg_catalog.pg_class AS parent ON parent.oid = line.ancestor AND parent.relname = heir.relname
JOIN pg_catalog.pg_namespace AS heir_schema ON heir_schema.oid = heir.relnamespace
JOIN pg_catalog.pg_namespace AS parent_schema ON parent_schema.oid = parent.relnamespace
WHERE heir_schema.nspname ~ '^shard_(0|[1-9][0-9]{0,9})$'
    AND parent_schema.nspname ~ '^shard_(0|[1-9][0-9]{0,9})$'
    AND heir_schema.oid <> parent_schema.oid
