-- Lets go of the locks that a statement may have taken for its session. No rows that matter.
SELECT pg_catalog.pg_advisory_unlock_all()
