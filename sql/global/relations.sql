-- One row per distinct name, kind and shape of a relation over all shards: the name, the kind
-- (pg_class.relkind), the columns in order as JSON, the schemas of the shards that have this shape
-- as the elements of a JSON array, and whether it may have inheriting tables or partitions in any
-- of them ('t' or 'f'). {names} limits the relations.
--
-- A column is its name, its type for display, the type's identity, and its collation. The identity
-- is the type's oid and modifier. For a type that lives in the shard itself, each shard has its
-- own, and they may be equivalent: so for an enum, or a domain over a built-in type, it is the
-- definition; for any other, 'own' and the oid: see own_types.sql. Names that pg_catalog has too
-- are excluded, since pg_catalog is searched first unless stated otherwise.
--
-- Types are looked up once per shape, not once per column: that saves 5 ms for five tables in 128
-- shards.
SELECT
    shape.relname,
    shape.relkind,
    coalesce(columns.list, '[]'),
    pg_catalog.string_agg(shape.shards, ','),
    pg_catalog.bool_or(shape.has_heirs)
FROM (
    SELECT
        c.relname, c.relkind, a.names, a.types, a.modifiers, a.collations,
        pg_catalog.string_agg(pg_catalog.to_json(n.nspname::pg_catalog.text)::pg_catalog.text, ',') AS shards,
        pg_catalog.bool_or(c.relhassubclass) AS has_heirs,
        -- Two shards cannot share a shape that has shard-local types.
        CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 THEN pg_catalog.min(n.oid) END AS only_schema
    FROM pg_catalog.pg_namespace AS n
    JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
    CROSS JOIN LATERAL (
        SELECT
            pg_catalog.array_agg(attname) AS names,
            pg_catalog.array_agg(atttypid) AS types,
            pg_catalog.array_agg(atttypmod) AS modifiers,
            pg_catalog.array_agg(attcollation) AS collations
        FROM (
            SELECT attname, atttypid, atttypmod, attcollation
            FROM pg_catalog.pg_attribute
            WHERE attrelid OPERATOR(pg_catalog.=) c.oid AND attnum OPERATOR(pg_catalog.>) 0 AND NOT attisdropped
            ORDER BY attnum
        ) AS ordered
    ) AS a
    WHERE n.nspname {is_shard}
        AND c.relname OPERATOR(pg_catalog.=) ANY ({names})
        AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,f,v,m,S}'::pg_catalog."char"[])
    GROUP BY c.relname, c.relkind, a.names, a.types, a.modifiers, a.collations
    -- Prevents the condition below from being evaluated for every table of every shard.
    OFFSET 0
) AS shape
CROSS JOIN LATERAL (
    SELECT
        pg_catalog.json_agg(
            pg_catalog.json_build_array(
                a.name,
                CASE WHEN t.typnamespace OPERATOR(pg_catalog.=) shape.only_schema THEN t.typname::pg_catalog.text
                    ELSE pg_catalog.format_type(a.type, a.modifier) END,
                CASE
                    WHEN (t.typnamespace OPERATOR(pg_catalog.=) shape.only_schema) IS NOT TRUE
                        THEN pg_catalog.format('%s %s', a.type, a.modifier)
                    WHEN t.typtype OPERATOR(pg_catalog.=) 'e' THEN (
                        SELECT 'enum ' OPERATOR(pg_catalog.||) pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)::pg_catalog.text
                        FROM pg_catalog.pg_enum AS e
                        WHERE e.enumtypid OPERATOR(pg_catalog.=) t.oid)
                    WHEN t.typtype OPERATOR(pg_catalog.=) 'd'
                        AND t.typbasetype OPERATOR(pg_catalog.<) {first_user_oid}::pg_catalog.oid THEN (
                        SELECT 'domain ' OPERATOR(pg_catalog.||) pg_catalog.json_build_array(
                            t.typbasetype, t.typtypmod, t.typnotnull, t.typcollation,
                            pg_catalog.json_agg(pg_catalog.pg_get_constraintdef(d.oid) ORDER BY d.conname)
                        )::pg_catalog.text
                        FROM pg_catalog.pg_constraint AS d
                        WHERE d.contypid OPERATOR(pg_catalog.=) t.oid)
                    ELSE 'own ' OPERATOR(pg_catalog.||) a.type::pg_catalog.text
                END,
                a.collation_oid::pg_catalog.text
            )
            ORDER BY a.number
        )::pg_catalog.text AS list
    FROM ROWS FROM (
            pg_catalog.unnest(shape.names), pg_catalog.unnest(shape.types),
            pg_catalog.unnest(shape.modifiers), pg_catalog.unnest(shape.collations)
        ) WITH ORDINALITY AS a (name, type, modifier, collation_oid, number)
    JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) a.type
) AS columns
WHERE pg_catalog.to_regclass('pg_catalog.' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(shape.relname)) IS NULL
GROUP BY shape.relname, shape.relkind, columns.list
