-- The first message of a COPY task: selects the shard and describes the columns, which COPY does
-- not. Returns no rows.
SAVEPOINT task;
{set_search_path}SELECT * FROM (
{statement}
) AS described LIMIT 0
