-- Ends the transaction of a run, and lets go of the locks that a statement may have taken for its
-- session. Two statements, because nothing else survives the first. No rows that matter.
ROLLBACK;
SELECT pg_catalog.pg_advisory_unlock_all()
