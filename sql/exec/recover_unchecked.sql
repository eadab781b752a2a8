-- Takes the transaction up again after a check of the relations that failed. No rows.
ROLLBACK TO SAVEPOINT run;
SAVEPOINT turn
