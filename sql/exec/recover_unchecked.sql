-- Makes the transaction usable again after a failed check_relations.sql. Returns no rows.
ROLLBACK TO SAVEPOINT run;
SAVEPOINT task
