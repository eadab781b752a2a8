-- One shard's turn, in one message. One row per row of the user's statement.
--
-- Its locks are held until the tables behind them are checked (check_relations.sql), after
-- this turn or a few later ones. What the statement may have set holds for as long.
--
-- After an error the server skips what follows, and all turns behind fail at once until
-- the transaction goes back to this savepoint (recover.sql), which leaves the turns before
-- as they were: one cancel request stops everything that waits on a connection.
SAVEPOINT turn;
SET LOCAL search_path TO {search_path};
{statement}
