-- One row per name in {names} that resolves to a relation on the search path for what is not
-- sharded: the name, and the relation's qualified name.
SELECT wanted.name, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.unnest({names}) AS wanted (name)
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.quote_ident(wanted.name))
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
ORDER BY wanted.name
