-- One row: a shard's place among those that are asked; the least and the largest id
-- of its table, and all its ids bit by bit; NULLs if it has none.
SELECT
    {place},
    pg_catalog.min({column}), pg_catalog.max({column}),
    pg_catalog.bit_and({column}::pg_catalog.int8), pg_catalog.bit_or({column}::pg_catalog.int8)
FROM {schema}.{table}
