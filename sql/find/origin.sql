-- The look for an origin by its name, where it belongs. A row if it is there, and an
-- error where there is no such table.
SELECT id
FROM {table}
WHERE name OPERATOR(pg_catalog.=) {name}::pg_catalog.text
LIMIT 1
