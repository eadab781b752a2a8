-- Fixes what the text of definitions depends on, for the transaction of an inspection. Returns no
-- rows.
--
-- search_path: the other statements of sql/inspect rely on it, and so name no schema themselves. It
-- also makes the server qualify every name outside pg_catalog. pg_temp comes last, because behind a
-- pooler it can hold another client's temporary tables.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL quote_all_identifiers = off;
SET LOCAL DateStyle = ISO, YMD;
SET LOCAL IntervalStyle = postgres;
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = hex;
SAVEPOINT inspection
