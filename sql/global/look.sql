-- One row per relation's name, kind and shape, over all shards: the name, the
-- kind (pg_class.relkind), the columns in order as JSON, and the names of the
-- shards where it is so. {names} limits it to relations of these names.
--
-- A column is its name, its type as people read it, what the type is, and its
-- collation. What the type is: its oid; but for an enum or a domain that lives in
-- the shard itself its definition, for every shard has its own and they may well
-- say the same. A relation that pg_catalog has too is not meant, for pg_catalog
-- comes first wherever nobody says otherwise.
SELECT
    c.relname,
    c.relkind,
    coalesce(shape.columns, '[]'),
    pg_catalog.string_agg(n.nspname::pg_catalog.text, ',')
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid
CROSS JOIN LATERAL (
    SELECT
        pg_catalog.json_agg(
            pg_catalog.json_build_array(
                a.attname,
                CASE WHEN t.typnamespace = n.oid THEN t.typname::pg_catalog.text
                    ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END,
                CASE WHEN t.typnamespace <> n.oid THEN a.atttypid::pg_catalog.text
                    WHEN t.typtype = 'e' THEN (
                        SELECT 'enum ' || pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)::pg_catalog.text
                        FROM pg_catalog.pg_enum AS e
                        WHERE e.enumtypid = t.oid)
                    WHEN t.typtype = 'd' THEN (
                        SELECT 'domain ' || pg_catalog.json_build_array(
                            t.typbasetype, t.typtypmod, t.typnotnull, t.typcollation,
                            pg_catalog.json_agg(pg_catalog.pg_get_constraintdef(d.oid) ORDER BY d.conname)
                        )::pg_catalog.text
                        FROM pg_catalog.pg_constraint AS d
                        WHERE d.contypid = t.oid)
                    ELSE 'other'
                END,
                a.attcollation
            )
            ORDER BY a.attnum
        )::pg_catalog.text AS columns
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) AS shape
WHERE n.nspname ~ '^shard_(0|[1-9][0-9]{0,9})$'
    AND c.relname = ANY ({names})
    AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class AS own
        WHERE own.relname = c.relname
            AND own.relnamespace = 'pg_catalog'::pg_catalog.regnamespace)
GROUP BY c.relname, c.relkind, shape.columns
