-- One row per table of {names} that a shard's table of the same name inherits from,
-- in another shard: the table's name, the heir's shard, the other one. What is read
-- in the other one has the heir's rows too.
SELECT heir.relname, heir_schema.nspname, parent_schema.nspname
FROM pg_catalog.pg_class AS heir
JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = heir.oid
JOIN pg_catalog.pg_class AS parent ON parent.oid = i.inhparent AND parent.relname = heir.relname
JOIN pg_catalog.pg_namespace AS heir_schema ON heir_schema.oid = heir.relnamespace
JOIN pg_catalog.pg_namespace AS parent_schema ON parent_schema.oid = parent.relnamespace
WHERE heir.relname = ANY ({names})
    AND heir_schema.nspname ~ '^shard_(0|[1-9][0-9]{0,9})$'
    AND parent_schema.nspname ~ '^shard_(0|[1-9][0-9]{0,9})$'
