-- The session of a federation: names are resolved by their schemas alone, so that types are written
-- with theirs, and limits hold. Returns no rows.
SET LOCAL search_path TO '';
SET LOCAL statement_timeout = {statement_timeout};
SET LOCAL lock_timeout = {lock_timeout}
