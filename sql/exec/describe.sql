-- The first message of a COPY's turn: looks in the shard, and describes the
-- columns, which COPY does not. No rows.
SAVEPOINT turn;
SET LOCAL search_path TO {search_path};
SELECT * FROM (
{statement}
) AS described LIMIT 0
