-- What a federation made in this database for the partitions of a hub: a row for the schema
-- shardq_federation, and a row per view in it, which its comment marks. The kind, the name, the
-- comment, and of a view its definition as the server writes it now, as MD5.
SELECT 'schema', n.nspname, d.description, NULL
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_description AS d ON d.objoid OPERATOR(pg_catalog.=) n.oid
    AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
WHERE n.nspname OPERATOR(pg_catalog.=) 'shardq_federation'
    AND d.description OPERATOR(pg_catalog.~~) 'shardq federate%'
UNION ALL
SELECT 'view', c.relname, d.description, pg_catalog.md5(pg_catalog.pg_get_viewdef(c.oid))
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_description AS d ON d.objoid OPERATOR(pg_catalog.=) c.oid
    AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.objsubid OPERATOR(pg_catalog.=) 0
WHERE n.nspname OPERATOR(pg_catalog.=) 'shardq_federation'
    AND c.relkind OPERATOR(pg_catalog.=) 'v'
    AND d.description OPERATOR(pg_catalog.~~) 'shardq federate%'
