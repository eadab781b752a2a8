-- Part of check_relations.sql if the database has partitions: whether this one was attached or
-- detached after the snapshot, or one of this table's was detached or dropped. pg_inherits shows
-- the state at the snapshot, pg_partition_ancestors() the present. The latter takes no lock;
-- pg_partition_tree() would lock, and wait for, every partition.
c.relispartition OPERATOR(pg_catalog.<>) (
    SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 1
    FROM pg_catalog.pg_partition_ancestors(c.oid))
OR c.relkind OPERATOR(pg_catalog.=) 'p' AND EXISTS (
    SELECT 1
    FROM pg_catalog.pg_inherits AS i
    WHERE i.inhparent OPERATOR(pg_catalog.=) c.oid
        AND NOT EXISTS (
            SELECT 1
            FROM pg_catalog.pg_partition_ancestors(i.inhrelid) AS a (relid)
            WHERE a.relid::pg_catalog.oid OPERATOR(pg_catalog.=) c.oid))
