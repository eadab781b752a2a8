-- One row per single-column foreign key of these tables: the table and column, the table and column
-- that it references in the same shard, and the number of shards that have it.
--
-- Only keys that hold for all rows that a query sees: not those yet to be validated, not those of a
-- table with children (they need not satisfy it), and not those to a table with row security (some
-- rows may be hidden). Only references to integers.
SELECT child.relname, a.attname, parent.relname, b.attname, pg_catalog.count(DISTINCT n.oid)
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_class AS child ON child.relnamespace OPERATOR(pg_catalog.=) n.oid
JOIN pg_catalog.pg_constraint AS f ON f.conrelid OPERATOR(pg_catalog.=) child.oid
JOIN pg_catalog.pg_class AS parent ON parent.oid OPERATOR(pg_catalog.=) f.confrelid AND parent.relnamespace OPERATOR(pg_catalog.=) n.oid
JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) child.oid AND a.attnum OPERATOR(pg_catalog.=) f.conkey[1]
JOIN pg_catalog.pg_attribute AS b ON b.attrelid OPERATOR(pg_catalog.=) parent.oid AND b.attnum OPERATOR(pg_catalog.=) f.confkey[1]
WHERE n.nspname OPERATOR(pg_catalog.=) ANY ({schemas})
    AND child.relname OPERATOR(pg_catalog.=) ANY ({names})
    AND f.contype OPERATOR(pg_catalog.=) 'f'
    AND f.convalidated
    AND pg_catalog.cardinality(f.conkey) OPERATOR(pg_catalog.=) 1
    AND (child.relkind OPERATOR(pg_catalog.=) 'p' OR NOT child.relhassubclass)
    AND NOT parent.relrowsecurity
    AND pg_catalog.has_column_privilege(parent.oid, b.attnum, 'SELECT')
    AND b.atttypid OPERATOR(pg_catalog.=) ANY ('{pg_catalog.int4,pg_catalog.int8}'::pg_catalog.regtype[])
GROUP BY child.relname, a.attname, parent.relname, b.attname
