-- One row: whether a backslash in '…' is literal, the version, whether NULL in an array's text is a
-- NULL, and the database's encoding.
SELECT
    pg_catalog.current_setting('standard_conforming_strings'),
    pg_catalog.current_setting('server_version_num'),
    pg_catalog.current_setting('array_nulls'),
    pg_catalog.current_setting('server_encoding')
