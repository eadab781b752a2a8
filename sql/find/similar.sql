-- One row per name of about the right length ($1 to $2 characters), to suggest names for a
-- mistyped one. A hint does not justify reading a huge table, so only some rows are read.
SELECT name
FROM (SELECT name::pg_catalog.text AS name FROM {table} LIMIT 10000) AS some_rows
WHERE pg_catalog.length(name) BETWEEN $1 AND $2
