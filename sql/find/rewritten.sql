-- The last UNION ALL branch of a search in a shard's tables. One row per table that the search
-- reads and that was rewritten or renamed, or whose child tables changed, after the snapshot was
-- taken: NULL, NULL, the table. The search would miss rows: see check_relations.sql.
SELECT NULL::pg_catalog.text, NULL::pg_catalog.text,
    l.relation::pg_catalog.regclass::pg_catalog.text
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) l.relation
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
    AND l.locktype OPERATOR(pg_catalog.=) 'relation'
    AND l.relation OPERATOR(pg_catalog.>=) 16384
    AND CASE WHEN c.oid IS NULL
        THEN pg_catalog.pg_get_indexdef(l.relation) IS NULL
        ELSE c.relkind OPERATOR(pg_catalog.<>) ALL ('{i,I,S}') AND (
            c.relfilenode OPERATOR(pg_catalog.<>) pg_catalog.pg_relation_filenode(c.oid)
            OR l.relation::pg_catalog.regclass::pg_catalog.text OPERATOR(pg_catalog.<>) ALL (ARRAY[
                pg_catalog.quote_ident(c.relname),
                pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname))])
            OR {children_changed})
        END
