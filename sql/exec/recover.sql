-- Makes the transaction usable again after a failed task. Returns no rows.
ROLLBACK TO SAVEPOINT task
