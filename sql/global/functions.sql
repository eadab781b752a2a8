-- One row per function of {names}: its name; whether it looks up a relation by a
-- name that it is given; whether it says NULL where there is none; whether it
-- gives another value each time ('t' or 'f').
--
-- What takes or makes a regclass looks one up. Besides, a few take the name as text:
-- those that call textToQualifiedNameList in Postgres's source.
SELECT
    p.proname,
    pg_catalog.bool_or(
        'pg_catalog.regclass'::pg_catalog.regtype OPERATOR(pg_catalog.=) ANY (p.proargtypes)
        OR p.prorettype OPERATOR(pg_catalog.=) ANY (
            '{pg_catalog.regclass,pg_catalog.regtype}'::pg_catalog.regtype[])
        AND 'pg_catalog.text'::pg_catalog.regtype OPERATOR(pg_catalog.=) ANY (p.proargtypes)
        OR p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
        AND p.proname OPERATOR(pg_catalog.=) ANY (
            '{has_table_privilege,has_any_column_privilege,has_column_privilege,
            pg_get_serial_sequence,pg_get_viewdef,row_security_active}'::pg_catalog.name[])),
    pg_catalog.bool_or(
        p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
        AND p.proname OPERATOR(pg_catalog.=) ANY ('{to_regclass,to_regtype}'::pg_catalog.name[])),
    pg_catalog.bool_and(p.provolatile OPERATOR(pg_catalog.=) 'v')
FROM pg_catalog.pg_proc AS p
WHERE p.proname OPERATOR(pg_catalog.=) ANY ({names})
GROUP BY p.proname
