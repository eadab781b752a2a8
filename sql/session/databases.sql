-- Returns the names of the databases that accept connections, without templates.
SELECT datname
FROM pg_catalog.pg_database
WHERE datallowconn AND NOT datistemplate
ORDER BY datname
