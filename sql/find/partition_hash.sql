-- The hash that HASH partitioning takes modulo the number of partitions. A partition key of one
-- column: hash_combine64(0, hash), whose sum wraps at 2^64. Source: compute_partition_hash_value in
-- Postgres's partbounds.c, and HASH_PARTITION_SEED in partition.h.
(pg_catalog.{function}({key}::{type}, 8816678312871386365)::pg_catalog.numeric
    OPERATOR(pg_catalog.+) 5305509591434766563
    OPERATOR(pg_catalog.+) 36893488147419103232) OPERATOR(pg_catalog.%) 18446744073709551616
