-- One row per shard: its schema's name, in no order.
SELECT nspname
FROM pg_catalog.pg_namespace
WHERE nspname OPERATOR(pg_catalog.~) '^shard_(0|[1-9][0-9]{0,9})$'
