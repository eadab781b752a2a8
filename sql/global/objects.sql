-- One row per kind and name (in {names}) of an object that some shard has: the kind, the name.
--
-- Names that pg_catalog has too are excluded, since pg_catalog is searched first unless stated
-- otherwise; except functions and operators, which are also told apart by their arguments.
SELECT found.kind, found.name
FROM (
    SELECT 'relation', relname, relnamespace
    FROM pg_catalog.pg_class WHERE relname OPERATOR(pg_catalog.=) ANY ({names})
    UNION ALL
    SELECT 'type', typname, typnamespace
    FROM pg_catalog.pg_type WHERE typname OPERATOR(pg_catalog.=) ANY ({names})
    UNION ALL
    SELECT 'function', proname, pronamespace
    FROM pg_catalog.pg_proc WHERE proname OPERATOR(pg_catalog.=) ANY ({names})
    UNION ALL
    SELECT 'operator', oprname, oprnamespace
    FROM pg_catalog.pg_operator WHERE oprname OPERATOR(pg_catalog.=) ANY ({names})
    UNION ALL
    SELECT 'collation', collname, collnamespace
    FROM pg_catalog.pg_collation WHERE collname OPERATOR(pg_catalog.=) ANY ({names})
    UNION ALL
    SELECT 'text search', cfgname, cfgnamespace
    FROM pg_catalog.pg_ts_config WHERE cfgname OPERATOR(pg_catalog.=) ANY ({names})
    UNION ALL
    SELECT 'text search', dictname, dictnamespace
    FROM pg_catalog.pg_ts_dict WHERE dictname OPERATOR(pg_catalog.=) ANY ({names})
    UNION ALL
    SELECT 'text search', prsname, prsnamespace
    FROM pg_catalog.pg_ts_parser WHERE prsname OPERATOR(pg_catalog.=) ANY ({names})
) AS found (kind, name, schema)
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) found.schema
GROUP BY found.kind, found.name
HAVING pg_catalog.bool_or(n.nspname {is_shard})
    AND (
        found.kind OPERATOR(pg_catalog.=) ANY ('{function,operator}'::pg_catalog.text[])
        OR NOT pg_catalog.bool_or(n.nspname OPERATOR(pg_catalog.=) 'pg_catalog'))
