-- Adds any one shard to the search_path, so that the parser, which checks the statement next, finds
-- its tables and can tell the column types. Returns at most one row, to be ignored. Rolled back
-- before anything else happens.
SELECT pg_catalog.set_config('search_path', {search_path}, true)
FROM pg_catalog.pg_namespace
WHERE nspname {is_shard}
LIMIT 1
