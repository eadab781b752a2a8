-- Checks that the snapshot covers every table that was read since the last check, and
-- lets go of their locks. One row: the relations that are locked, and those that were
-- rewritten, renamed or created after the snapshot was taken, as a JSON array of
-- [schema, table]; NULL if there is none; and likewise those of which row-level security
-- may hide rows from this role.
--
-- A snapshot has no rows of a table that was rewritten after it (TRUNCATE, ALTER … TYPE),
-- and names are looked up in the present: an answer would lack rows without an error.
-- pg_class and pg_namespace tell what was at the snapshot; pg_relation_filenode() and
-- regclass tell what is now. The locks that the statements took name every table that
-- they read, through views and functions too, and keep it as it is until here. Indexes
-- are not compared: an older snapshot does not use one that it cannot trust.
--
-- The empty search_path has regclass write every name with its schema. It also fails
-- where a statement before it failed, so that the server skips the rest.
SET LOCAL search_path TO '';
SELECT
    pg_catalog.count(*),
    pg_catalog.json_agg(
        CASE WHEN c.oid IS NULL
            THEN pg_catalog.json_build_array('', l.relation::pg_catalog.regclass::pg_catalog.text)
            ELSE pg_catalog.json_build_array(n.nspname, c.relname) END
    ) FILTER (WHERE
        CASE WHEN c.oid IS NULL
            THEN pg_catalog.pg_get_indexdef(l.relation) IS NULL
            ELSE c.relkind NOT IN ('i', 'I', 'S') AND (
                c.relfilenode OPERATOR(pg_catalog.<>) pg_catalog.pg_relation_filenode(c.oid)
                OR l.relation::pg_catalog.regclass::pg_catalog.text OPERATOR(pg_catalog.<>)
                    pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname)))
            END),
    pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, c.relname))
        FILTER (WHERE c.relrowsecurity AND pg_catalog.row_security_active(c.oid))
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) l.relation
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
    AND l.locktype OPERATOR(pg_catalog.=) 'relation'
    AND l.relation OPERATOR(pg_catalog.>=) 16384;
ROLLBACK TO SAVEPOINT run;
SAVEPOINT turn
