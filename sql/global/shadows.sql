-- At most one row: an unqualified name of a function in {functions}, an operator in {operators} or
-- a type in {types} can resolve to something outside pg_catalog.
--
-- Postgres takes the best match, wherever in the path it is. Operators on user-defined types cannot
-- match columns of built-in types. With {own_types} there are columns of other types, and a shard's
-- own casts of such types count as well.
SELECT 1
FROM pg_catalog.pg_proc AS p
WHERE p.proname OPERATOR(pg_catalog.=) ANY ({functions})
    AND p.pronamespace OPERATOR(pg_catalog.<>) 'pg_catalog'::pg_catalog.regnamespace
    AND pg_catalog.pg_function_is_visible(p.oid)
UNION ALL
SELECT 1
FROM pg_catalog.pg_operator AS o
WHERE o.oprname OPERATOR(pg_catalog.=) ANY ({operators})
    AND o.oprnamespace OPERATOR(pg_catalog.<>) 'pg_catalog'::pg_catalog.regnamespace
    AND ({own_types}
        OR o.oprleft OPERATOR(pg_catalog.<) {first_user_oid}
        AND o.oprright OPERATOR(pg_catalog.<) {first_user_oid})
    AND pg_catalog.pg_operator_is_visible(o.oid)
UNION ALL
SELECT 1
FROM pg_catalog.pg_type AS t
WHERE t.typname OPERATOR(pg_catalog.=) ANY ({types})
    AND t.typnamespace OPERATOR(pg_catalog.<>) 'pg_catalog'::pg_catalog.regnamespace
    AND pg_catalog.pg_type_is_visible(t.oid)
UNION ALL
SELECT 1
FROM pg_catalog.pg_cast AS c
JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) ANY (ARRAY[c.castsource, c.casttarget])
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
WHERE {own_types} AND n.nspname {is_shard}
LIMIT 1
