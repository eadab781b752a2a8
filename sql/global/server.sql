-- One row: how the server reads a backslash in '…', and its version.
SELECT
    pg_catalog.current_setting('standard_conforming_strings'),
    pg_catalog.current_setting('server_version_num')
