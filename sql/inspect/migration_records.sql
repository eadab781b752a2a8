-- Part of migrations.sql: the records of the shard at position {n}.
SELECT {n}, ROW({columns})::text FROM {table}
