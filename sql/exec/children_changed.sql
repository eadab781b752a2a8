-- Part of check_relations.sql if the database has partitions or other child tables: whether this
-- table lost one after the snapshot, or became one.
--
-- * Lost (DETACH, NO INHERIT, DROP): the row of pg_inherits that the snapshot shows was deleted
--   since.
-- * Became a partition: pg_class shows the state at the snapshot, pg_partition_ancestors() the
--   present. It takes no lock; pg_partition_tree() would lock, and wait for, every partition.
-- * Became a child (INHERIT): the snapshot does not show the new row of pg_inherits, but INHERIT
--   also replaces the child's rows of pg_attribute (attinhcount). So does ALTER COLUMN, so this is
--   looked at only if a table of the database has children that are not partitions; a column that
--   was altered is then reported too.
EXISTS (
    SELECT 1
    FROM pg_catalog.pg_inherits AS i
    WHERE i.inhparent OPERATOR(pg_catalog.=) c.oid AND {inheritance_replaced})
OR c.relispartition OPERATOR(pg_catalog.<>) (
    SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 1
    FROM pg_catalog.pg_partition_ancestors(c.oid))
OR c.relkind OPERATOR(pg_catalog.=) ANY ('{r,f}') AND NOT c.relispartition
AND EXISTS (
    SELECT 1
    FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS p ON p.oid OPERATOR(pg_catalog.=) i.inhparent
    WHERE p.relkind OPERATOR(pg_catalog.=) ANY ('{r,f}'))
AND EXISTS (
    SELECT 1
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0
        AND {column_replaced})
