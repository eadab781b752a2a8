-- What partial results depend on beside the tables, a row per name and value: how the database
-- compares and classifies text, and the settings with which values are read and written. Where
-- databases differ in one of them, results from both do not combine to one answer.
--
-- As JSON, because the columns of pg_database depend on the version.
SELECT d.key, d.value
FROM pg_catalog.pg_database,
    pg_catalog.jsonb_each_text(pg_catalog.to_jsonb(pg_database)) AS d
WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
  AND d.value IS NOT NULL
  AND d.key OPERATOR(pg_catalog.=) ANY (ARRAY[
    'encoding', 'datcollate', 'datctype', 'datlocprovider', 'datlocale', 'daticulocale',
    'daticurules', 'datcollversion'])
UNION ALL
SELECT name, pg_catalog.current_setting(name)
FROM pg_catalog.pg_settings
WHERE name OPERATOR(pg_catalog.=) ANY (ARRAY[
    'DateStyle', 'IntervalStyle', 'TimeZone', 'bytea_output', 'extra_float_digits', 'lc_monetary',
    'lc_numeric', 'lc_time', 'standard_conforming_strings', 'default_text_search_config',
    'xmlbinary', 'xmloption', 'transform_null_equals', 'array_nulls'])
