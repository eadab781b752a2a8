-- Returns the schema and name of each table in {schemas} and {tables} (paired by position) that
-- this user may lock. A table of one shard stands for the tables of that name in all shards.
SELECT DISTINCT n.nspname, c.relname
FROM ROWS FROM (pg_catalog.unnest({schemas}), pg_catalog.unnest({tables})) AS wanted (schema, name)
JOIN pg_catalog.pg_class AS c ON c.relname OPERATOR(pg_catalog.=) wanted.name
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}')
    AND (n.nspname OPERATOR(pg_catalog.=) wanted.schema
        OR n.nspname {is_shard}
        AND wanted.schema {is_shard})
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
ORDER BY n.nspname, c.relname
