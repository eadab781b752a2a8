-- Every function, procedure and aggregate over all shards: one row per definition of it. Its kind, an
-- empty text, its name with the types of its arguments, `has`, its definition without the shard's own
-- name, the same as the server prints it if that differs, the shard of which that is, how many shards
-- have it so, and which (NULL if all do). A shard is its position in {shards}, from 1.
--
-- The rows are those of drift.sql, which says more about names. Members of an extension are left out.
WITH ns AS MATERIALIZED (
    SELECT s.n::int4 AS n, ns.oid, ns.nspname,
        '(?<![[:alnum:]_$"])' || regexp_replace(quote_ident(ns.nspname), '([^[:alnum:]_])', '\\\1', 'g') || '\.' AS prefix,
        '(?<![[:alnum:]_$])' || regexp_replace(ns.nspname, '([^[:alnum:]_])', '\\\1', 'g') || '(?![[:alnum:]_$])' AS word
    FROM unnest({shards}) WITH ORDINALITY AS s (name, n)
    JOIN pg_namespace AS ns ON ns.nspname = s.name
), printed AS MATERIALIZED (
    SELECT n.n, n.nspname, n.prefix, n.word,
        CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' WHEN 'w' THEN 'window function' ELSE 'function' END AS kind,
        p.proname || '(' || regexp_replace(pg_get_function_identity_arguments(p.oid), n.prefix, '', 'g') || ')' AS name,
        CASE p.prokind WHEN 'a' THEN (
                SELECT concat_ws(' ', 'SFUNC', a.aggtransfn, 'STYPE', format_type(a.aggtranstype, NULL),
                    'FINALFUNC ' || nullif(a.aggfinalfn::text, '-'), 'COMBINEFUNC ' || nullif(a.aggcombinefn::text, '-'),
                    'INITCOND ' || quote_literal(a.agginitval), 'SORTOP ' || nullif(a.aggsortop::regoperator::text, '0'))
                FROM pg_aggregate AS a WHERE a.aggfnoid = p.oid)
            ELSE pg_get_functiondef(p.oid) END AS raw
    FROM ns AS n
    JOIN pg_proc AS p ON p.pronamespace = n.oid
    WHERE NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
), defined AS MATERIALIZED (
    SELECT n, kind, name, raw,
        CASE WHEN strpos(raw, nspname) > 0
            THEN regexp_replace(regexp_replace(raw, prefix, '', 'g'), word, '{shard}', 'g')
            ELSE raw END AS def
    FROM printed
), variant AS (
    SELECT kind, name, def, (array_agg(raw ORDER BY n))[1] AS raw, min(n) AS first,
        count(*) AS shards, array_agg(n ORDER BY n) AS which
    FROM defined
    GROUP BY kind, name, def
)
SELECT kind, '', name, 'has', def, nullif(raw, def), first, shards,
    CASE WHEN shards < (SELECT count(*) FROM ns) THEN array_to_string(which, ',') END
FROM variant
