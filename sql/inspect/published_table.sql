-- The columns and rows of a published table, as in ALTER PUBLICATION; from Postgres 15 on.
concat_ws(' ',
    (SELECT '(' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'
        FROM pg_attribute AS a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)),
    'WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')')
