-- Computes for each key ($1, an array of texts) what its shard follows from, in the order of the
-- keys: a hash, a number, or the name of a schema. {expression} reads the key as shardq_key, a name
-- that no column of the user's tables is likely to have.
SELECT ({expression}
)::pg_catalog.text
FROM pg_catalog.unnest($1) WITH ORDINALITY AS shardq_given (shardq_key, shardq_position)
ORDER BY shardq_position
