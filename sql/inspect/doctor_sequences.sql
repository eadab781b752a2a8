-- Returns one row for each sequence of a shard that has used four fifths of its numbers: the
-- position of the shard in {shards}, its name, and how much it has used, in percent. It opens each
-- sequence that this role may read, and so waits for their locks; those that start again are left
-- out.
SELECT s.n, c.relname,
    round(100.0 * (u.last - q.seqmin) / (q.seqmax::numeric - q.seqmin), 1)
FROM unnest({shards}) WITH ORDINALITY AS s (name, n)
JOIN pg_namespace AS n ON n.nspname = s.name
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind = 'S'
JOIN pg_sequence AS q ON q.seqrelid = c.oid
CROSS JOIN LATERAL (
    SELECT CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE')
        THEN pg_sequence_last_value(c.oid)::numeric END AS last) AS u
WHERE q.seqincrement > 0
    AND NOT q.seqcycle
    AND q.seqmax > q.seqmin
    AND u.last - q.seqmin > 0.8 * (q.seqmax::numeric - q.seqmin)
ORDER BY s.n, c.relname
