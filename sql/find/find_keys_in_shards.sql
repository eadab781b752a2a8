-- Searches the tables of several shards for many keys ($1, an array). One row per key and shard
-- that has it: the key's position in the array, from 1, and the shard's in {tables}, from 0. All
-- columns have one type, so that one hash of the keys can serve all tables, or the index of each.
SELECT DISTINCT k.n::pg_catalog.text, t.shard, NULL::pg_catalog.text
FROM (
    SELECT given.key::{type} AS key, given.n
    FROM pg_catalog.unnest($1) WITH ORDINALITY AS given (key, n)) AS k
JOIN (
{tables}) AS t ON t.key OPERATOR({operator_schema}.=) k.key
