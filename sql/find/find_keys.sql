-- Searches one table of a shard for many keys ($1, an array). One row per key that it has: the
-- key's position in the array, from 1. EXISTS lets the server choose between the column's index and
-- one pass over a small table.
--
-- Each key becomes one of the column's type. An array of that type would not do: the keys may be
-- arrays themselves.
SELECT k.n::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text
FROM (
    SELECT given.key::{type} AS key, given.n
    FROM pg_catalog.unnest($1) WITH ORDINALITY AS given (key, n)) AS k
WHERE EXISTS (SELECT FROM {table} AS t WHERE t.{column} OPERATOR({operator_schema}.=) k.key)
