-- One row if floats are written with all digits needed to read them back: the shortest such form
-- since version 12, and 9 or 17 digits before.
SELECT 1
WHERE
    pg_catalog.current_setting('extra_float_digits')::pg_catalog.int4
    OPERATOR(pg_catalog.>=) CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.<) 120000 THEN 3 ELSE 1 END
