-- One shard's whole turn, in one message. One row per row of the user's statement.
--
-- Rolling back to the savepoint lets go of the shard's locks and undoes what the
-- statement may have set. After an error the server skips it: all turns behind
-- fail at once until the savepoint is taken up again, which is what lets one
-- cancel request stop everything that waits on a connection.
SET LOCAL search_path TO {search_path};
{statement}
;ROLLBACK TO SAVEPOINT turn
