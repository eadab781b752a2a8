-- Returns the oid, schema and name of each user-defined type in this database. {names} limits it to
-- types of these names; NULL returns all except the row types of tables.
SELECT t.oid, n.nspname, t.typname
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
WHERE t.oid OPERATOR(pg_catalog.>=) 16384
  AND CASE WHEN {names} IS NULL
      THEN NOT EXISTS (
          SELECT FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_type row_type ON row_type.oid OPERATOR(pg_catalog.=) ANY (ARRAY[t.oid, t.typelem])
          WHERE c.oid OPERATOR(pg_catalog.=) row_type.typrelid AND c.relkind OPERATOR(pg_catalog.<>) 'c')
      ELSE t.typname OPERATOR(pg_catalog.=) ANY ({names})
      END
