-- Returns one row for each database that is not a template: its name, owner, size in bytes (NULL if
-- this role may not connect to it), and whether it accepts connections.
SELECT
    d.datname,
    pg_catalog.pg_get_userbyid(d.datdba),
    CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
        THEN pg_catalog.pg_database_size(d.oid) END,
    d.datallowconn
FROM pg_catalog.pg_database AS d
WHERE NOT d.datistemplate
ORDER BY d.datname
