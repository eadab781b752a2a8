-- One row: a shard's position among those queried, then minimum, maximum, bitwise AND and bitwise
-- OR of the ids in its table; NULLs if it is empty.
SELECT
    {place},
    pg_catalog.min({column}), pg_catalog.max({column}),
    pg_catalog.bit_and({column}::pg_catalog.int8), pg_catalog.bit_or({column}::pg_catalog.int8)
FROM {schema}.{table}
