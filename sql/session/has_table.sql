-- Part of shards.sql with --having-table: whether the schema has a relation of this name that can be
-- queried. The index of pg_class finds them: with 8,192 schemas, shards.sql takes 42 ms.
EXISTS (
    SELECT 1
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid
        AND c.relname OPERATOR(pg_catalog.=) {table}
        AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'))
