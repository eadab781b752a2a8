-- The last message of a COPY's turn. No rows.
--
-- As in turn.sql, only a turn that went well goes back to the savepoint: after
-- an error the first statement fails, and the server skips the second.
SET LOCAL search_path TO '';
ROLLBACK TO SAVEPOINT turn
