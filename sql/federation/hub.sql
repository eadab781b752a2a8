-- One row about the hub: server_version_num, the role, whether that is a superuser ('on'), and
-- whether the database has postgres_fdw.
SELECT
    pg_catalog.current_setting('server_version_num'),
    current_user,
    pg_catalog.current_setting('is_superuser'),
    EXISTS (
        SELECT FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'postgres_fdw')
