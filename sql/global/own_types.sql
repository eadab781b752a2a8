-- One row per type in {oids} and per type that they are made of: its oid, schema, kind
-- (pg_type.typtype, or 'a' for an array), definition, component types in order, and collation.
--
-- The definition: an enum's labels; a domain's modifier, NOT NULL, collation and checks; the names,
-- modifiers and collations of a composite's attributes; the collation, operator class and functions
-- of a range. Built-in types are not taken apart.
WITH RECURSIVE made_of (oid) AS (
    SELECT pg_catalog.unnest({oids})
    UNION
    SELECT part.oid
    FROM made_of
    JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) made_of.oid
    CROSS JOIN LATERAL (
        SELECT t.typelem WHERE t.typcategory OPERATOR(pg_catalog.=) 'A'
        UNION ALL
        SELECT t.typbasetype
        UNION ALL
        SELECT a.atttypid
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid OPERATOR(pg_catalog.=) t.typrelid
            AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
        UNION ALL
        SELECT r.rngsubtype FROM pg_catalog.pg_range AS r WHERE r.rngtypid OPERATOR(pg_catalog.=) t.oid
    ) AS part (oid)
    WHERE t.oid OPERATOR(pg_catalog.>=) {first_user_oid}::pg_catalog.oid
        AND part.oid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
)
SELECT
    t.oid, n.nspname,
    CASE WHEN t.typtype OPERATOR(pg_catalog.=) 'b' AND t.typcategory OPERATOR(pg_catalog.=) 'A' THEN 'a'
        ELSE t.typtype::pg_catalog.text END,
    coalesce(enum.says, domain.says, composite.says, range.says),
    coalesce(
        composite.parts, range.parts,
        CASE WHEN t.typbasetype OPERATOR(pg_catalog.<>) 0::pg_catalog.oid THEN t.typbasetype::pg_catalog.text END,
        t.typelem::pg_catalog.text),
    t.typcollation
FROM made_of
JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) made_of.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)::pg_catalog.text
    FROM pg_catalog.pg_enum AS e
    WHERE e.enumtypid OPERATOR(pg_catalog.=) t.oid
) AS enum (says)
CROSS JOIN LATERAL (
    SELECT CASE WHEN t.typtype OPERATOR(pg_catalog.=) 'd' THEN pg_catalog.json_build_array(
            t.typtypmod, t.typnotnull, t.typcollation,
            pg_catalog.json_agg(pg_catalog.pg_get_constraintdef(d.oid) ORDER BY d.conname)
        )::pg_catalog.text END
    FROM pg_catalog.pg_constraint AS d
    WHERE d.contypid OPERATOR(pg_catalog.=) t.oid
) AS domain (says)
CROSS JOIN LATERAL (
    SELECT
        pg_catalog.json_agg(
            pg_catalog.json_build_array(a.attname, a.atttypmod, a.attcollation) ORDER BY a.attnum
        )::pg_catalog.text,
        pg_catalog.string_agg(a.atttypid::pg_catalog.text, ',' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute AS a
    WHERE t.typrelid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
        AND a.attrelid OPERATOR(pg_catalog.=) t.typrelid
        AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
) AS composite (says, parts)
CROSS JOIN LATERAL (
    SELECT
        pg_catalog.min(pg_catalog.json_build_array(
            r.rngcollation, r.rngsubopc, r.rngcanonical::pg_catalog.oid, r.rngsubdiff::pg_catalog.oid
        )::pg_catalog.text),
        pg_catalog.min(r.rngsubtype::pg_catalog.text)
    FROM pg_catalog.pg_range AS r
    WHERE r.rngtypid OPERATOR(pg_catalog.=) t.oid
) AS range (says, parts)
