-- One row per type and modifier of {types}: both; the schema that the type lives in, NULL
-- if the type is gone; its name with the modifier and without it; and whether a table can
-- have such a column and COPY can fill it.
--
-- Names are as \gdesc of psql prints them, and with their schema where a search_path of
-- another session may not have it. Without its modifier, a type holds what it holds with
-- any: bpchar and "bit" are not character and bit, which are one character or bit long.
-- Pseudo-types cannot be declared; and of some types, which the catalogs keep statistics
-- and expressions in, no value can be read.
SET LOCAL search_path TO pg_catalog, pg_temp;
SET LOCAL quote_all_identifiers = off;
SELECT asked.type, asked.modifier, n.nspname,
       pg_catalog.format_type(asked.type, asked.modifier),
       pg_catalog.format_type(asked.type, -1),
       t.typtype <> 'p' AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_type u
           WHERE u.oid IN (t.oid, t.typelem)
             AND u.typname IN ('gtsvector', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary',
                 'pg_dependencies', 'pg_mcv_list', 'pg_ndistinct', 'pg_node_tree')
             AND u.typnamespace = 'pg_catalog'::pg_catalog.regnamespace)
FROM (VALUES {types}) AS asked (type, modifier)
LEFT JOIN pg_catalog.pg_type t ON t.oid = asked.type
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
