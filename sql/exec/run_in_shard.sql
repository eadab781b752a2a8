-- Runs the user's statement in one shard, in one message. Returns the statement's rows.
--
-- Its locks are held until check_relations.sql has checked the tables, after this task or a few
-- later ones. Settings that the statement changes last as long.
--
-- After an error the server skips the rest of the message, and all tasks queued behind it fail at
-- once, until recover.sql rolls back to this savepoint. Earlier tasks are not affected. So one
-- cancel request stops everything queued on a connection.
SAVEPOINT task;
{set_search_path}{statement}
