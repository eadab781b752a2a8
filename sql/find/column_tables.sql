-- One row per shard that has a table {table} with a column {column}: its schema, the table, false
-- for the name column, true for readable (if it is not, the query on it fails with the server's own
-- error), what the column is compared with: the schema of its operator = and its type, and whether
-- that is the column's own type, not the one under its domain.
-- {schema} limits it to one shard; NULL means all.
--
-- The operator is that of the type's default operator class, which only a superuser can create: an
-- = that the search_path finds may be anybody's. Types without such a class of their own (varchar,
-- enums, arrays, ranges) use pg_catalog's.
SELECT
    n.nspname::pg_catalog.text,
    c.relname::pg_catalog.text,
    false,
    true,
    COALESCE(pg_catalog.quote_ident(equality.nspname), 'pg_catalog'),
    base.name,
    a.atttypid OPERATOR(pg_catalog.=) base.oid
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
CROSS JOIN LATERAL (
    -- The type under any domains.
    WITH RECURSIVE chain AS (
        SELECT a.atttypid AS oid
        UNION ALL
        SELECT d.typbasetype
        FROM chain
        JOIN pg_catalog.pg_type d ON d.oid OPERATOR(pg_catalog.=) chain.oid
        WHERE d.typtype OPERATOR(pg_catalog.=) 'd')
    SELECT
        t.oid,
        pg_catalog.concat(pg_catalog.quote_ident(s.nspname), '.', pg_catalog.quote_ident(t.typname)) AS name
    FROM chain
    JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) chain.oid
    JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) t.typnamespace
    WHERE t.typtype OPERATOR(pg_catalog.<>) 'd') AS base
LEFT JOIN LATERAL (
    SELECT s.nspname
    FROM pg_catalog.pg_opclass k
    JOIN pg_catalog.pg_am m ON m.oid OPERATOR(pg_catalog.=) k.opcmethod
    JOIN pg_catalog.pg_amop e ON e.amopfamily OPERATOR(pg_catalog.=) k.opcfamily
        AND e.amoplefttype OPERATOR(pg_catalog.=) k.opcintype
        AND e.amoprighttype OPERATOR(pg_catalog.=) k.opcintype
        AND e.amopstrategy OPERATOR(pg_catalog.=) CASE WHEN m.amname OPERATOR(pg_catalog.=) 'btree' THEN 3 ELSE 1 END
    JOIN pg_catalog.pg_operator o ON o.oid OPERATOR(pg_catalog.=) e.amopopr
    JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) o.oprnamespace
    WHERE m.amname OPERATOR(pg_catalog.=) ANY ('{btree,hash}')
      AND k.opcdefault AND k.opcintype OPERATOR(pg_catalog.=) base.oid AND o.oprname OPERATOR(pg_catalog.=) '='
    LIMIT 1) AS equality ON true
WHERE c.relname OPERATOR(pg_catalog.=) {table}
  AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}')
  AND n.nspname {is_shard}
  AND ({schema} IS NULL OR n.nspname OPERATOR(pg_catalog.=) {schema})
  AND a.attname OPERATOR(pg_catalog.=) {column} AND a.attnum OPERATOR(pg_catalog.>) 0
