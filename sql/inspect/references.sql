-- The foreign keys that refer to the table {table} in its shard: one row per constraint and
-- definition. The table that has it, qualified if it is in another schema; the constraint's name; its
-- definition without the shard's name; the shards (each is its position in {shards}, from 1).
SELECT CASE WHEN r.relnamespace = c.relnamespace THEN r.relname::text ELSE r.oid::regclass::text END,
    k.conname,
    regexp_replace(pg_get_constraintdef(k.oid),
        '(?<![[:alnum:]_$"])' || regexp_replace(quote_ident(ns.nspname), '([^[:alnum:]_])', '\\\1', 'g') || '\.', '', 'g'),
    array_to_string(array_agg(s.n), ',')
FROM unnest({shards}) WITH ORDINALITY AS s (name, n)
JOIN pg_namespace AS ns ON ns.nspname = s.name
JOIN pg_class AS c ON c.relnamespace = ns.oid AND c.relname = {table}
JOIN pg_constraint AS k ON k.confrelid = c.oid AND k.contype = 'f'
JOIN pg_class AS r ON r.oid = k.conrelid
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
