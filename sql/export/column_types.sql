-- One row per type and modifier in {types}: both; the schema of the type, NULL if the type is
-- gone; its name with and without the modifier; and whether a table can have such a column and
-- COPY can fill it.
--
-- Names are as psql's \gdesc prints them, schema-qualified where the search_path of another
-- session may lack the schema. Without its modifier, a type can hold the values of any
-- modifier: that is bpchar and "bit", not character and bit, which have length one.
-- Pseudo-types cannot be declared; and some types, which the catalogs keep statistics and
-- expressions in, accept no input.
SET LOCAL search_path TO pg_catalog, pg_temp;
SET LOCAL quote_all_identifiers = off;
SELECT asked.type, asked.modifier, n.nspname,
       pg_catalog.format_type(asked.type, asked.modifier),
       pg_catalog.format_type(asked.type, -1),
       t.typtype OPERATOR(pg_catalog.<>) 'p' AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_type u
           WHERE u.oid OPERATOR(pg_catalog.=) ANY (ARRAY[t.oid, t.typelem])
             AND u.typname OPERATOR(pg_catalog.=) ANY (
                 '{gtsvector,pg_brin_bloom_summary,pg_brin_minmax_multi_summary,
                   pg_dependencies,pg_mcv_list,pg_ndistinct,pg_node_tree}')
             AND u.typnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace)
FROM (VALUES {types}) AS asked (type, modifier)
LEFT JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) asked.type
LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
