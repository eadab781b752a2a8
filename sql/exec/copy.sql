-- Returns one line per row of the user's statement, in the server's own file format. COPY is a
-- utility statement: it uses the search_path of when it runs, not of when it is prepared. Prepared
-- once, it works in every shard.
COPY (
{statement}
) TO STDOUT (FORMAT {format}{others})
