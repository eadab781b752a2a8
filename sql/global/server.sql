-- One row: how the server reads a backslash in '…', its version, and whether NULL in
-- an array's text is a NULL.
SELECT
    pg_catalog.current_setting('standard_conforming_strings'),
    pg_catalog.current_setting('server_version_num'),
    pg_catalog.current_setting('array_nulls')
