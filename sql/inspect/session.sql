-- Fixes what the text of definitions depends on, for the transaction of an inspection. Returns
-- one row: server_version_num.
--
-- search_path: the other statements of sql/inspect rely on it, and so name no schema themselves. It
-- also makes the server qualify every name outside pg_catalog. pg_temp comes last, because behind a
-- pooler it can hold another client's temporary tables.
--
-- jit: these statements have hundreds of expressions, and compiling them takes longer than running
-- them. Servers before 11 have no such setting.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL quote_all_identifiers = off;
SET LOCAL DateStyle = ISO, YMD;
SET LOCAL IntervalStyle = postgres;
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = hex;
SELECT
    current_setting('server_version_num'),
    CASE WHEN current_setting('jit', true) IS NOT NULL THEN set_config('jit', 'off', true) END;
SAVEPOINT inspection
