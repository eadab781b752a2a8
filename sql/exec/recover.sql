-- Takes the transaction up again after a turn that failed. No rows.
ROLLBACK TO SAVEPOINT turn
