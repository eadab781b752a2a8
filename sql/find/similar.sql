-- One row per name of about the right length ($1 to $2 characters), for whoever
-- mistyped one. A hint is not worth reading a huge table for: some rows will do.
SELECT name
FROM (SELECT name::pg_catalog.text AS name FROM {table} LIMIT 10000) AS some_rows
WHERE pg_catalog.length(name) BETWEEN $1 AND $2
