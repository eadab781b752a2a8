-- Prevents tables from being rewritten or renamed during the run. Returns no rows. Must come before
-- the first query of the transaction, which takes the snapshot; SET and LOCK TABLE take none.
SET LOCAL lock_timeout = {lock_timeout};
LOCK TABLE {tables} IN ACCESS SHARE MODE
