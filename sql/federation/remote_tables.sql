-- One row per distinct definition of a relation over the shards {shards}: its name; whether this
-- role may read all of its rows (`ok`, `denied`, or `row security` if a policy may hide some); its
-- columns in order as JSON; and its shards as a JSON array of positions in {shards}, from 1.
--
-- A column is its name, its type, its collation if that is not the type's own, what the type needs
-- that not every database has, and the definition of that collation. Of a domain over a built-in
-- type the base type is returned: its values, operators and order are those of the base type. A
-- type needs nothing (NULL) if it is built in, `extension NAME VERSION` if an extension has it; of
-- an enum, or an array of one, it is `enum` with its labels as a JSON array in order, and `own`
-- otherwise.
--
-- Partitions are left out, since their partitioned table has their rows. Types are looked up once
-- per definition: per column of each shard, 128 shards of 11 tables took 22 s instead of 0.1.
SELECT
    shape.relname,
    shape.access,
    (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
            a.name,
            CASE WHEN b.oid IS NOT NULL THEN pg_catalog.format_type(t.typbasetype, t.typtypmod)
                ELSE pg_catalog.format_type(a.type, a.modifier) END,
            CASE WHEN l.oid IS NULL THEN ''
                ELSE pg_catalog.format('%I.%I', ln.nspname, l.collname) END,
            CASE
                WHEN b.oid IS NOT NULL OR e.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid THEN NULL
                ELSE coalesce('extension ' OPERATOR(pg_catalog.||) (
                    SELECT pg_catalog.concat_ws(' ', x.extname, x.extversion)
                    FROM pg_catalog.pg_depend AS d
                    JOIN pg_catalog.pg_extension AS x ON x.oid OPERATOR(pg_catalog.=) d.refobjid
                    WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
                        AND d.objid OPERATOR(pg_catalog.=) e.oid
                        AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
                        AND d.deptype OPERATOR(pg_catalog.=) 'e'
                ), 'enum ' OPERATOR(pg_catalog.||) (
                    SELECT pg_catalog.json_agg(m.enumlabel ORDER BY m.enumsortorder)::pg_catalog.text
                    FROM pg_catalog.pg_enum AS m
                    WHERE m.enumtypid OPERATOR(pg_catalog.=) e.oid
                ), 'own')
            END,
            CASE WHEN l.oid IS NOT NULL THEN (pg_catalog.to_jsonb(l) OPERATOR(pg_catalog.-) 'oid'
                OPERATOR(pg_catalog.-) 'collnamespace' OPERATOR(pg_catalog.-) 'collowner')::pg_catalog.text END
        ) ORDER BY a.number)::pg_catalog.text, '[]')
        FROM ROWS FROM (
            pg_catalog.unnest(shape.names), pg_catalog.unnest(shape.types),
            pg_catalog.unnest(shape.modifiers), pg_catalog.unnest(shape.collations)
        ) WITH ORDINALITY AS a (name, type, modifier, collation_oid, number)
        JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) a.type
        -- The base type of a domain, if that is built in.
        LEFT JOIN pg_catalog.pg_type AS b ON b.oid OPERATOR(pg_catalog.=) t.typbasetype
            AND t.typtype OPERATOR(pg_catalog.=) 'd'
            AND b.typtype OPERATOR(pg_catalog.<>) 'd'
            AND b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid
        -- Of an array, the type of its elements is what an extension has.
        JOIN pg_catalog.pg_type AS e ON e.oid OPERATOR(pg_catalog.=)
            CASE WHEN t.typcategory OPERATOR(pg_catalog.=) 'A' AND t.typelem OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
                THEN t.typelem ELSE t.oid END
        LEFT JOIN pg_catalog.pg_collation AS l ON l.oid OPERATOR(pg_catalog.=) a.collation_oid
            AND l.oid OPERATOR(pg_catalog.<>) coalesce(b.typcollation, t.typcollation)
        LEFT JOIN pg_catalog.pg_namespace AS ln ON ln.oid OPERATOR(pg_catalog.=) l.collnamespace
    ),
    shape.numbers
FROM (
    SELECT
        c.relname, c.access, a.names, a.types, a.modifiers, a.collations,
        pg_catalog.json_agg(c.number ORDER BY c.number) AS numbers
    FROM (
        SELECT
            s.number,
            c.oid,
            c.relname,
            CASE
                WHEN NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN 'denied'
                WHEN c.relrowsecurity AND pg_catalog.row_security_active(c.oid) THEN 'row security'
                ELSE 'ok'
            END AS access
        FROM pg_catalog.unnest({shards}) WITH ORDINALITY AS s (name, number)
        JOIN pg_catalog.pg_namespace AS n ON n.nspname OPERATOR(pg_catalog.=) s.name
        JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
        WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::pg_catalog."char"[])
            AND NOT c.relispartition
    ) AS c
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
    GROUP BY c.relname, c.access, a.names, a.types, a.modifiers, a.collations
    OFFSET 0
) AS shape
ORDER BY shape.relname, shape.numbers::pg_catalog.text
