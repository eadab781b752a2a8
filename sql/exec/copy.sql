-- One line per row of the user's statement, as the server writes it to a file.
-- A utility statement, so the shard's search_path counts when it runs, not when
-- it is prepared: prepared once, it serves every shard.
COPY (
{statement}
) TO STDOUT (FORMAT {format}{others})
