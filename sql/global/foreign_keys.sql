-- One row per foreign key of one column that these tables have: the table and the
-- column, those that it leads to in the same shard, and how many of the shards have
-- it so.
--
-- Only what holds for all rows that a query sees: not one that is still to be
-- validated, not one of a table whose children need not keep it, and none to a
-- table of which who asks may not see all rows. Only to integers.
SELECT child.relname, a.attname, parent.relname, b.attname, pg_catalog.count(DISTINCT n.oid)
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_class AS child ON child.relnamespace = n.oid
JOIN pg_catalog.pg_constraint AS f ON f.conrelid = child.oid
JOIN pg_catalog.pg_class AS parent ON parent.oid = f.confrelid AND parent.relnamespace = n.oid
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = child.oid AND a.attnum = f.conkey[1]
JOIN pg_catalog.pg_attribute AS b ON b.attrelid = parent.oid AND b.attnum = f.confkey[1]
WHERE n.nspname = ANY ({schemas})
    AND child.relname = ANY ({names})
    AND f.contype = 'f'
    AND f.convalidated
    AND pg_catalog.cardinality(f.conkey) = 1
    AND (child.relkind = 'p' OR NOT child.relhassubclass)
    AND NOT parent.relrowsecurity
    AND pg_catalog.has_column_privilege(parent.oid, b.attnum, 'SELECT')
    AND b.atttypid IN ('pg_catalog.int4'::pg_catalog.regtype, 'pg_catalog.int8'::pg_catalog.regtype)
GROUP BY child.relname, a.attname, parent.relname, b.attname
