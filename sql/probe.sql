-- Puts the shard with the lowest number into the search_path, so that the check
-- of the statement that follows finds tables and can tell the columns' types.
-- One row, of no interest. Rolled back before anything else happens.
--
-- To check is to lock the tables, as a reader does.
BEGIN READ ONLY;
SET LOCAL lock_timeout = {lock_timeout};
SELECT pg_catalog.set_config('search_path', coalesce((
    SELECT {search_path}
    FROM pg_catalog.pg_namespace
    WHERE nspname ~ '^shard_(0|[1-9][0-9]{0,9})$'
    ORDER BY pg_catalog.length(nspname::pg_catalog.text), nspname
    LIMIT 1), ''), true)
