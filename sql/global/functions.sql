-- One row per function in {names}: its name; the kinds of object that it looks up by a name passed
-- to it, comma-separated; whether it returns text; whether it returns NULL or false for a name that
-- does not exist; whether it is volatile ('t' or 'f').
--
-- A function looks up a name if it takes one of these types as an argument, or makes one from a
-- text. In addition, some built-in functions take the name as text: those whose source calls
-- textToQualifiedNameList, parseTypeString, an input function or similar.
WITH kinds (type, kind) AS (
    VALUES
        ('pg_catalog.regclass'::pg_catalog.regtype, 'relation'),
        ('pg_catalog.regtype'::pg_catalog.regtype, 'type'),
        ('pg_catalog.regproc'::pg_catalog.regtype, 'function'),
        ('pg_catalog.regprocedure'::pg_catalog.regtype, 'function,type'),
        ('pg_catalog.regoper'::pg_catalog.regtype, 'operator'),
        ('pg_catalog.regoperator'::pg_catalog.regtype, 'operator,type'),
        (pg_catalog.to_regtype('pg_catalog.regcollation'), 'collation'),
        ('pg_catalog.regconfig'::pg_catalog.regtype, 'text search'),
        ('pg_catalog.regdictionary'::pg_catalog.regtype, 'text search')
), by_text (name, kind) AS (
    VALUES
        ('currtid2', 'relation'),
        ('has_any_column_privilege', 'relation'),
        ('has_column_privilege', 'relation'),
        ('has_sequence_privilege', 'relation'),
        ('has_table_privilege', 'relation'),
        ('pg_get_serial_sequence', 'relation'),
        ('pg_get_viewdef', 'relation'),
        ('row_security_active', 'relation'),
        ('has_type_privilege', 'type'),
        ('to_regtypemod', 'type'),
        ('has_function_privilege', 'function,type'),
        ('ts_parse', 'text search'),
        ('ts_token_type', 'text search'),
        ('array_in', 'any'),
        ('domain_in', 'any'),
        ('pg_get_object_address', 'any'),
        ('pg_input_error_info', 'any'),
        ('pg_input_is_valid', 'any'),
        ('range_in', 'any'),
        ('record_in', 'any')
)
SELECT
    p.proname,
    pg_catalog.concat_ws(
        ',',
        pg_catalog.string_agg(
            (
                SELECT pg_catalog.string_agg(kinds.kind, ',')
                FROM kinds
                WHERE kinds.type OPERATOR(pg_catalog.=) ANY (p.proargtypes)
                    OR kinds.type OPERATOR(pg_catalog.=) p.prorettype
                    AND p.proargtypes::pg_catalog.oid[] OPERATOR(pg_catalog.&&)
                        '{pg_catalog.text,pg_catalog.cstring}'::pg_catalog.regtype[]::pg_catalog.oid[]
            ),
            ','),
        pg_catalog.string_agg(
            (
                SELECT by_text.kind
                FROM by_text
                WHERE by_text.name OPERATOR(pg_catalog.=) p.proname::pg_catalog.text
                    AND p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
            ),
            ',')),
    pg_catalog.bool_or(
        p.prorettype OPERATOR(pg_catalog.=) ANY (
            '{pg_catalog.text,pg_catalog.name,pg_catalog.varchar,pg_catalog.bpchar}'::pg_catalog.regtype[])),
    pg_catalog.bool_or(
        p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
        AND (
            p.proname OPERATOR(pg_catalog.~) '^to_reg(class|coll|oper|proc|type)'
            OR p.proname OPERATOR(pg_catalog.~) '^pg_input_')),
    pg_catalog.bool_and(p.provolatile OPERATOR(pg_catalog.=) 'v')
FROM pg_catalog.pg_proc AS p
WHERE p.proname OPERATOR(pg_catalog.=) ANY ({names})
GROUP BY p.proname
