-- One table of find_keys_in_shards.sql.
SELECT {column} AS key, {shard}::pg_catalog.text AS shard FROM {table}
