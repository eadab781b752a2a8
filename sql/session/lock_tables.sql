-- Keeps tables from being rewritten or renamed while the run lasts. No rows. In front of
-- the first query of a transaction, and so of its snapshot: SET and LOCK TABLE take none.
SET LOCAL lock_timeout = {lock_timeout};
LOCK TABLE {tables} IN ACCESS SHARE MODE
