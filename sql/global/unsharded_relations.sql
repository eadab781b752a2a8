-- One row per name of {names} that means a relation where what is not sharded is
-- looked up: the name, and that relation's with its schema.
SELECT wanted.name, pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.unnest({names}) AS wanted (name)
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.quote_ident(wanted.name))
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
ORDER BY wanted.name
