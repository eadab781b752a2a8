-- Puts the shard with the lowest number into the search_path, so that the check
-- of the statement that follows finds tables and can tell the columns' types.
-- One row, of no interest. Rolled back before anything else happens.
--
-- The check looks the tables up, and waits for whoever has locked one: the limits
-- hold for it as well.
BEGIN READ ONLY;
SET LOCAL statement_timeout = {statement_timeout};
SET LOCAL lock_timeout = {lock_timeout};
SELECT pg_catalog.set_config('search_path', coalesce((
    SELECT {search_path}
    FROM pg_catalog.pg_namespace
    WHERE nspname OPERATOR(pg_catalog.~) '^shard_(0|[1-9][0-9]{0,9})$'
    ORDER BY pg_catalog.length(nspname::pg_catalog.text), nspname
    LIMIT 1), ''), true)
