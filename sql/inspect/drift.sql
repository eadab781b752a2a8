-- What differs among the shards: one row per variant of an object that not all shards have alike.
-- Its kind, the object that it is part of (its table; empty if none), its name, `has`, `lacks` or
-- `locked`, its definition for people (without the shard's own name), its definition as the server
-- prints it, the shard of which that is, how many shards have this variant, and which (NULL if
-- all do). A shard is its position in {shards}, from 1.
--
-- With {differs} = true, every object comes back, also those that all shards have alike. {relation}
-- is a condition for tables; {whole} says whether objects that are no tables are read.
--
-- Names: with search_path = pg_catalog (session.sql) the server qualifies every other name. So a
-- shard's own name is removed, as a whole word, before definitions are grouped. A shard whose name
-- is a word of the definitions (a schema "text") is then told from the others: the client compares
-- such variants by what the server prints (definition.rs), and so no alarm is false.
--
-- Locks: pg_get_indexdef, pg_get_viewdef, pg_get_ruledef and others wait for whoever holds or awaits
-- ACCESS EXCLUSIVE. Tables that are locked so, and views on them, are left out and returned as
-- `locked`. A lock that is taken meanwhile ends the statement by lock_timeout.
--
-- A part (column, index, …) is expected in the shards that have its table; anything else, in all.
--
-- Measured with 15.18, in CPU time of the server: 0.24 s for 128 shards of 11 tables on a new
-- connection, most of it for filling its caches; 4.0 s for 8,192 shards of 4 tables.
WITH ns AS MATERIALIZED (
    SELECT s.n::int4 AS n, ns.oid, ns.nspname, ns.nspowner, ns.nspacl,
        -- shard_7. or "a.b".: a prefix of a name, which goes.
        '(?<![[:alnum:]_$"])' || regexp_replace(quote_ident(ns.nspname), '([^[:alnum:]_])', '\\\1', 'g') || '\.' AS prefix,
        -- 'shard_7': in a function's text.
        '(?<![[:alnum:]_$])' || regexp_replace(ns.nspname, '([^[:alnum:]_])', '\\\1', 'g') || '(?![[:alnum:]_$])' AS word
    FROM unnest({shards}) WITH ORDINALITY AS s (name, n)
    JOIN pg_namespace AS ns ON ns.nspname = s.name
), whole AS MATERIALIZED (
    -- For what is part of no table.
    SELECT * FROM ns WHERE {whole}
), held AS MATERIALIZED (
    SELECT coalesce(i.indrelid, l.relation) AS oid, min(l.pid) AS pid
    FROM pg_locks AS l
    LEFT JOIN pg_index AS i ON i.indexrelid = l.relation
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
        AND l.pid IS DISTINCT FROM pg_backend_pid()
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY 1
), busy AS MATERIALIZED (
    SELECT oid, pid FROM held
    UNION
    SELECT w.ev_class, h.pid
    FROM held AS h
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = h.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS w ON w.oid = d.objid
), ext AS MATERIALIZED (
    -- Members of an extension are the extension's business.
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), every AS MATERIALIZED (
    SELECT c.oid, n.n, n.nspname, c.relname::text, c.relkind, c.relpersistence, c.relrowsecurity,
        c.relforcerowsecurity, c.relreplident, c.reloptions, c.reloftype, c.relispartition,
        c.relpartbound, c.relowner, c.relacl, c.relam, c.reltablespace, c.reltype,
        (SELECT min(pid) FROM busy WHERE busy.oid = c.oid) AS pid,
        c.oid IN (SELECT oid FROM busy) AS is_locked
    FROM ns AS n
    JOIN pg_class AS c ON c.relnamespace = n.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND {relation}
        AND NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_class'::regclass AND ext.objid = c.oid)
), rel AS MATERIALIZED (
    SELECT * FROM every WHERE NOT is_locked
), proc AS MATERIALIZED (
    SELECT p.oid, n.n, p.prokind, p.proparallel, p.proowner, p.proacl,
        p.proname || '(' || regexp_replace(pg_get_function_identity_arguments(p.oid), n.prefix, '', 'g') || ')' AS name
    FROM whole AS n
    JOIN pg_proc AS p ON p.pronamespace = n.oid
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_proc'::regclass AND ext.objid = p.oid)
        -- The constructors of a range come with it.
        AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
), typ AS MATERIALIZED (
    SELECT t.oid, n.n, t.typname::text AS name, t.typtype, t.typbasetype, t.typtypmod, t.typnotnull,
        t.typdefault, t.typinput, t.typowner, t.typacl
    FROM whole AS n
    JOIN pg_type AS t ON t.typnamespace = n.oid
    WHERE t.typtype IN ('e', 'd', 'r', 'b') AND t.typelem = 0
        AND NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_type'::regclass AND ext.objid = t.oid)
), obj (n, class, oid, sub, kind, parent, name, def) AS MATERIALIZED (
    -- Tables, views, sequences and composite types.
    SELECT c.n, CASE c.relkind WHEN 'c' THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END::oid,
        CASE c.relkind WHEN 'c' THEN c.reltype ELSE c.oid END, 0,
        CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
            WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence'
            ELSE 'composite type' END,
        '', c.relname,
        concat_ws(' ',
            CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,
            CASE WHEN c.relrowsecurity THEN 'ROW LEVEL SECURITY' END,
            CASE WHEN c.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END,
            CASE c.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL' WHEN 'i' THEN 'REPLICA IDENTITY USING INDEX'
                WHEN 'n' THEN CASE WHEN c.relkind IN ('r', 'p') THEN 'REPLICA IDENTITY NOTHING' END END,
            (SELECT 'USING ' || am.amname FROM pg_am AS am WHERE am.oid = c.relam AND am.amname <> 'heap'),
            'WITH (' || (SELECT string_agg(o, ', ' ORDER BY o COLLATE "C") FROM unnest(c.reloptions) AS o) || ')',
            (SELECT 'TABLESPACE ' || quote_ident(spcname) FROM pg_tablespace AS s WHERE s.oid = c.reltablespace),
            CASE WHEN c.reloftype <> 0 THEN 'OF ' || format_type(c.reloftype, NULL) END,
            CASE WHEN c.relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(c.oid) END,
            CASE WHEN c.relispartition THEN 'PARTITION ' || pg_get_expr(c.relpartbound, c.oid) END,
            (SELECT 'INHERITS (' || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) || ')'
                FROM pg_inherits AS i WHERE i.inhrelid = c.oid),
            CASE WHEN c.relkind IN ('v', 'm') THEN 'AS' || E'\n' || pg_get_viewdef(c.oid) END,
            (SELECT 'SERVER ' || quote_ident(s.srvname) || coalesce(' OPTIONS (' || array_to_string(f.ftoptions, ', ') || ')', '')
                FROM pg_foreign_table AS f JOIN pg_foreign_server AS s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid),
            (SELECT format('AS %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s', format_type(q.seqtypid, NULL),
                    q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache) || CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END
                FROM pg_sequence AS q WHERE q.seqrelid = c.oid),
            CASE WHEN c.relkind = 'S' THEN
                (SELECT 'OWNED BY ' || quote_ident(o.relname) || '.' || quote_ident(a.attname)
                FROM pg_depend AS d
                JOIN pg_class AS o ON o.oid = d.refobjid
                JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0) END)
    FROM rel AS c
    UNION ALL
    -- Columns, by name: their order is a fact of its own.
    SELECT c.n, 'pg_class'::regclass, c.oid, a.attnum, 'column', c.relname, a.attname::text,
        concat_ws(' ', format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE '
                -- As regcollation shows it, which Postgres 12 does not have.
                || (SELECT CASE WHEN pg_collation_is_visible(co.oid) THEN '' ELSE quote_ident(cn.nspname) || '.' END || quote_ident(co.collname)
                    FROM pg_collation AS co
                    JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
                    WHERE co.oid = a.attcollation) END,
            CASE WHEN a.attnotnull THEN 'NOT NULL' END,
            CASE a.attidentity WHEN 'a' THEN 'GENERATED ALWAYS AS IDENTITY' WHEN 'd' THEN 'GENERATED BY DEFAULT AS IDENTITY' END,
            CASE a.attgenerated WHEN 's' THEN 'GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') STORED'
                WHEN 'v' THEN 'GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') VIRTUAL'
                ELSE 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END,
            CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE '
                || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
            {compression},
            CASE WHEN a.attstattarget >= 0 THEN 'STATISTICS ' || a.attstattarget END,
            'OPTIONS (' || array_to_string(a.attoptions || a.attfdwoptions, ', ') || ')')
    FROM rel AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'f', 'c')
    UNION ALL
    -- Other columns of a view are in its definition.
    SELECT c.n, 0, 0, 0, 'column default', c.relname, a.attname::text, pg_get_expr(d.adbin, d.adrelid)
    FROM rel AS c
    JOIN pg_attrdef AS d ON d.adrelid = c.oid
    JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE c.relkind = 'v'
    UNION ALL
    SELECT c.n, 0, 0, 0, 'column order', c.relname, '',
        string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
    FROM rel AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'f', 'c')
    GROUP BY c.n, c.relname, c.oid
    UNION ALL
    -- Constraints, of tables and domains. NOT NULL is the column's; 18 has it here too.
    SELECT n.n, 'pg_constraint'::regclass, k.oid, 0, 'constraint', coalesce(c.relname, y.name), k.conname::text,
        pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' (not validated)' END
            || CASE WHEN i.indisclustered THEN ' (clustered)' ELSE '' END
            || CASE WHEN i.indisreplident THEN ' (replica identity)' ELSE '' END
            || CASE WHEN NOT i.indisvalid THEN ' (invalid)' ELSE '' END
    FROM ns AS n
    JOIN pg_constraint AS k ON k.connamespace = n.oid
    LEFT JOIN rel AS c ON c.oid = k.conrelid
    LEFT JOIN typ AS y ON y.oid = k.contypid
    LEFT JOIN pg_index AS i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
    WHERE k.contype NOT IN ('n', 't') AND (c.oid IS NOT NULL OR y.oid IS NOT NULL)
    UNION ALL
    -- Indexes that no constraint brings along.
    SELECT c.n, 'pg_class'::regclass, i.indexrelid, 0, 'index', c.relname, x.relname::text,
        pg_get_indexdef(i.indexrelid)
            || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
            || CASE WHEN i.indisready THEN '' ELSE ' (not ready)' END
            || CASE WHEN i.indisclustered THEN ' (clustered)' ELSE '' END
            || CASE WHEN i.indisreplident THEN ' (replica identity)' ELSE '' END
            || coalesce((SELECT ' TABLESPACE ' || quote_ident(spcname) FROM pg_tablespace AS s WHERE s.oid = x.reltablespace), '')
    FROM rel AS c
    JOIN pg_index AS i ON i.indrelid = c.oid
    JOIN pg_class AS x ON x.oid = i.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT c.n, 'pg_trigger'::regclass, t.oid, 0, 'trigger', c.relname, t.tgname::text,
        pg_get_triggerdef(t.oid)
            || CASE t.tgenabled WHEN 'D' THEN ' (disabled)' WHEN 'R' THEN ' (replica)' WHEN 'A' THEN ' (always)' ELSE '' END
    FROM rel AS c
    JOIN pg_trigger AS t ON t.tgrelid = c.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT c.n, 'pg_rewrite'::regclass, w.oid, 0, 'rule', c.relname, w.rulename::text,
        pg_get_ruledef(w.oid)
            || CASE w.ev_enabled WHEN 'D' THEN ' (disabled)' WHEN 'R' THEN ' (replica)' WHEN 'A' THEN ' (always)' ELSE '' END
    FROM rel AS c
    JOIN pg_rewrite AS w ON w.ev_class = c.oid AND w.rulename <> '_RETURN'
    UNION ALL
    SELECT c.n, 'pg_policy'::regclass, p.oid, 0, 'policy', c.relname, p.polname::text,
        concat_ws(' ', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
            CASE p.polcmd WHEN 'r' THEN 'FOR SELECT' WHEN 'a' THEN 'FOR INSERT' WHEN 'w' THEN 'FOR UPDATE' WHEN 'd' THEN 'FOR DELETE' ELSE 'FOR ALL' END,
            'TO ' || (SELECT string_agg(r, ', ' ORDER BY r COLLATE "C")
                FROM unnest(p.polroles) AS o, LATERAL (SELECT CASE o WHEN 0 THEN 'PUBLIC' ELSE o::regrole::text END) AS r (r)),
            'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
            'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    FROM rel AS c
    JOIN pg_policy AS p ON p.polrelid = c.oid
    UNION ALL
    SELECT c.n, 0, 0, 0, 'publication', c.relname, b.pubname::text, {published}
    FROM rel AS c
    JOIN pg_publication_rel AS r ON r.prrelid = c.oid
    JOIN pg_publication AS b ON b.oid = r.prpubid
{published_schemas}    UNION ALL
    SELECT c.n, 'pg_statistic_ext'::regclass, s.oid, 0, 'statistics', c.relname, s.stxname::text, pg_get_statisticsobjdef(s.oid)
    FROM ns AS n
    JOIN pg_statistic_ext AS s ON s.stxnamespace = n.oid
    JOIN rel AS c ON c.oid = s.stxrelid
    UNION ALL
    SELECT p.n, 'pg_proc'::regclass, p.oid, 0,
        CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' WHEN 'w' THEN 'window function' ELSE 'function' END,
        '', p.name,
        CASE p.prokind WHEN 'a' THEN (
                SELECT concat_ws(', ', 'SFUNC = ' || a.aggtransfn, 'STYPE = ' || format_type(a.aggtranstype, NULL),
                    'SSPACE = ' || nullif(a.aggtransspace, 0), 'FINALFUNC = ' || nullif(a.aggfinalfn::text, '-'),
                    CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
                    CASE WHEN a.aggfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN 'FINALFUNC_MODIFY = '
                        || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
                    'COMBINEFUNC = ' || nullif(a.aggcombinefn::text, '-'), 'SERIALFUNC = ' || nullif(a.aggserialfn::text, '-'),
                    'DESERIALFUNC = ' || nullif(a.aggdeserialfn::text, '-'), 'INITCOND = ' || quote_literal(a.agginitval),
                    'MSFUNC = ' || nullif(a.aggmtransfn::text, '-'), 'MINVFUNC = ' || nullif(a.aggminvtransfn::text, '-'),
                    CASE WHEN a.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(a.aggmtranstype, NULL) END,
                    'MSSPACE = ' || nullif(a.aggmtransspace, 0), 'MFINALFUNC = ' || nullif(a.aggmfinalfn::text, '-'),
                    'MINITCOND = ' || quote_literal(a.aggminitval),
                    'SORTOP = OPERATOR(' || nullif(a.aggsortop::regoper::text, '0') || ')',
                    CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END,
                    CASE a.aggkind WHEN 'h' THEN 'HYPOTHETICAL' END)
                FROM pg_aggregate AS a WHERE a.aggfnoid = p.oid)
            ELSE pg_get_functiondef(p.oid) END
    FROM proc AS p
    UNION ALL
    SELECT t.n, 'pg_type'::regclass, t.oid, 0,
        CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' ELSE 'base type' END,
        '', t.name,
        CASE t.typtype
            WHEN 'e' THEN (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid)
            WHEN 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || t.typdefault)
            WHEN 'r' THEN (
                SELECT concat_ws(', ', 'SUBTYPE = ' || format_type(r.rngsubtype, NULL),
                    CASE WHEN NOT o.opcdefault THEN 'SUBTYPE_OPCLASS = ' || quote_ident(ons.nspname) || '.' || quote_ident(o.opcname) END,
                    CASE WHEN r.rngcollation <> b.typcollation THEN 'COLLATION = ' || (
                        SELECT quote_ident(lns.nspname) || '.' || quote_ident(l.collname)
                        FROM pg_collation AS l JOIN pg_namespace AS lns ON lns.oid = l.collnamespace WHERE l.oid = r.rngcollation) END,
                    'CANONICAL = ' || nullif(r.rngcanonical::text, '-'), 'SUBTYPE_DIFF = ' || nullif(r.rngsubdiff::text, '-'))
                FROM pg_range AS r
                JOIN pg_type AS b ON b.oid = r.rngsubtype
                JOIN pg_opclass AS o ON o.oid = r.rngsubopc
                JOIN pg_namespace AS ons ON ons.oid = o.opcnamespace
                WHERE r.rngtypid = t.oid)
            ELSE t.typinput::text END
    FROM typ AS t
    UNION ALL
    SELECT n.n, 'pg_operator'::regclass, o.oid, 0, 'operator', '',
        o.oprname || '(' || concat_ws(',', CASE WHEN o.oprleft <> 0 THEN regexp_replace(format_type(o.oprleft, NULL), n.prefix, '') END,
            regexp_replace(format_type(o.oprright, NULL), n.prefix, '')) || ')',
        concat_ws(', ', 'FUNCTION = ' || o.oprcode, CASE WHEN o.oprleft <> 0 THEN 'LEFTARG = ' || format_type(o.oprleft, NULL) END,
            'RIGHTARG = ' || format_type(o.oprright, NULL),
            (SELECT 'COMMUTATOR = OPERATOR(' || quote_ident(ns.nspname) || '.' || other.oprname || ')'
                FROM pg_operator AS other JOIN pg_namespace AS ns ON ns.oid = other.oprnamespace WHERE other.oid = o.oprcom),
            (SELECT 'NEGATOR = OPERATOR(' || quote_ident(ns.nspname) || '.' || other.oprname || ')'
                FROM pg_operator AS other JOIN pg_namespace AS ns ON ns.oid = other.oprnamespace WHERE other.oid = o.oprnegate),
            'RESTRICT = ' || nullif(o.oprrest::text, '-'), 'JOIN = ' || nullif(o.oprjoin::text, '-'),
            CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END)
    FROM whole AS n
    -- Without a function, it is only named as another's commutator or negator.
    JOIN pg_operator AS o ON o.oprnamespace = n.oid AND o.oprcode <> 0
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_operator'::regclass AND ext.objid = o.oid)
    UNION ALL
    SELECT n.n, 'pg_opclass'::regclass, o.oid, 0, 'operator class', '', o.opcname || ' USING ' || a.amname,
        concat_ws(' ', CASE WHEN o.opcdefault THEN 'DEFAULT' END, 'FOR TYPE', format_type(o.opcintype, NULL),
            'FAMILY', quote_ident(fns.nspname) || '.' || quote_ident(f.opfname),
            CASE WHEN o.opckeytype <> 0 THEN 'STORAGE ' || format_type(o.opckeytype, NULL) END)
    FROM whole AS n
    JOIN pg_opclass AS o ON o.opcnamespace = n.oid
    JOIN pg_am AS a ON a.oid = o.opcmethod
    JOIN pg_opfamily AS f ON f.oid = o.opcfamily
    JOIN pg_namespace AS fns ON fns.oid = f.opfnamespace
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_opclass'::regclass AND ext.objid = o.oid)
    UNION ALL
    -- With the operators and functions of its classes.
    SELECT n.n, 'pg_opfamily'::regclass, f.oid, 0, 'operator family', '', f.opfname || ' USING ' || a.amname,
        concat_ws(', ',
            (SELECT string_agg(format('OPERATOR %s %s', m.amopstrategy, m.amopopr::regoperator), ', '
                    ORDER BY m.amopstrategy, m.amopopr::regoperator::text COLLATE "C")
                FROM pg_amop AS m WHERE m.amopfamily = f.oid),
            (SELECT string_agg(format('FUNCTION %s %s', m.amprocnum, m.amproc::regprocedure), ', '
                    ORDER BY m.amprocnum, m.amproc::regprocedure::text COLLATE "C")
                FROM pg_amproc AS m WHERE m.amprocfamily = f.oid))
    FROM whole AS n
    JOIN pg_opfamily AS f ON f.opfnamespace = n.oid
    JOIN pg_am AS a ON a.oid = f.opfmethod
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_opfamily'::regclass AND ext.objid = f.oid)
    UNION ALL
    SELECT n.n, 'pg_conversion'::regclass, c.oid, 0, 'conversion', '', c.conname::text,
        concat_ws(' ', CASE WHEN c.condefault THEN 'DEFAULT' END, 'FOR', quote_literal(pg_encoding_to_char(c.conforencoding)),
            'TO', quote_literal(pg_encoding_to_char(c.contoencoding)), 'FROM', c.conproc)
    FROM whole AS n
    JOIN pg_conversion AS c ON c.connamespace = n.oid
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_conversion'::regclass AND ext.objid = c.oid)
    UNION ALL
    SELECT n.n, 'pg_collation'::regclass, l.oid, 0, 'collation', '', l.collname::text,
        concat_ws(', ', 'PROVIDER = ' || CASE l.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE l.collprovider::text END,
            'LC_COLLATE = ' || quote_literal(l.collcollate), 'LC_CTYPE = ' || quote_literal(l.collctype),
            -- Their columns are new in Postgres 15, 16 and 17.
            'LOCALE = ' || quote_literal(coalesce(to_jsonb(l) ->> 'colllocale', to_jsonb(l) ->> 'colliculocale')),
            'RULES = ' || quote_literal(to_jsonb(l) ->> 'collicurules'),
            CASE WHEN NOT l.collisdeterministic THEN 'DETERMINISTIC = false' END)
    FROM whole AS n
    JOIN pg_collation AS l ON l.collnamespace = n.oid
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_collation'::regclass AND ext.objid = l.oid)
    UNION ALL
    SELECT n.n, 'pg_ts_config'::regclass, f.oid, 0, 'text search configuration', '', f.cfgname::text,
        'PARSER = ' || quote_ident(pns.nspname) || '.' || quote_ident(p.prsname) || coalesce((
            SELECT string_agg(E'\n' || m.alias || ' WITH ' || m.dictionaries, '' ORDER BY m.tokid)
            FROM (
                SELECT t.tokid, t.alias, string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) AS dictionaries
                FROM ts_token_type(p.oid) AS t
                JOIN pg_ts_config_map AS m ON m.mapcfg = f.oid AND m.maptokentype = t.tokid
                GROUP BY t.tokid, t.alias) AS m), '')
    FROM whole AS n
    JOIN pg_ts_config AS f ON f.cfgnamespace = n.oid
    JOIN pg_ts_parser AS p ON p.oid = f.cfgparser
    JOIN pg_namespace AS pns ON pns.oid = p.prsnamespace
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_ts_config'::regclass AND ext.objid = f.oid)
    UNION ALL
    SELECT n.n, 'pg_ts_dict'::regclass, d.oid, 0, 'text search dictionary', '', d.dictname::text,
        concat_ws(', ', 'TEMPLATE = ' || quote_ident(tns.nspname) || '.' || quote_ident(t.tmplname), d.dictinitoption)
    FROM whole AS n
    JOIN pg_ts_dict AS d ON d.dictnamespace = n.oid
    JOIN pg_ts_template AS t ON t.oid = d.dicttemplate
    JOIN pg_namespace AS tns ON tns.oid = t.tmplnamespace
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_ts_dict'::regclass AND ext.objid = d.oid)
    UNION ALL
    SELECT n.n, 'pg_ts_parser'::regclass, p.oid, 0, 'text search parser', '', p.prsname::text,
        concat_ws(' ', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)
    FROM whole AS n
    JOIN pg_ts_parser AS p ON p.prsnamespace = n.oid
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_ts_parser'::regclass AND ext.objid = p.oid)
    UNION ALL
    SELECT n.n, 'pg_ts_template'::regclass, t.oid, 0, 'text search template', '', t.tmplname::text,
        concat_ws(' ', t.tmplinit, t.tmpllexize)
    FROM whole AS n
    JOIN pg_ts_template AS t ON t.tmplnamespace = n.oid
    WHERE NOT EXISTS (SELECT FROM ext WHERE ext.classid = 'pg_ts_template'::regclass AND ext.objid = t.oid)
    UNION ALL
    SELECT n.n, 0, 0, 0, 'extension', '', x.extname::text, 'VERSION ' || quote_literal(x.extversion)
    FROM whole AS n
    JOIN pg_extension AS x ON x.extnamespace = n.oid
), owned (n, kind, owner, acl, type, parent, name) AS (
    SELECT c.n, 'table', c.relowner, c.relacl, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relname, ''
    FROM rel AS c WHERE c.relkind <> 'c'
    UNION ALL
    SELECT p.n, 'function', p.proowner, p.proacl, 'f', p.name, '' FROM proc AS p
    UNION ALL
    SELECT t.n, 'type', t.typowner, t.typacl, 'T', t.name, '' FROM typ AS t
    UNION ALL
    SELECT c.n, 'type', t.typowner, t.typacl, 'T', c.relname, ''
    FROM rel AS c
    JOIN pg_type AS t ON t.oid = c.reltype
    WHERE c.relkind = 'c'
    UNION ALL
    SELECT n.n, 'schema', n.nspowner, n.nspacl, 'n', '', '' FROM whole AS n
), acl AS MATERIALIZED (
    -- Few differ: so each is spelled out once. Without a list of its own, an object has the default.
    -- Another owner is one difference, not two.
    SELECT a.type, a.owner, a.acl, (
        SELECT string_agg(g.grantee || '=' || g.privileges, ', ' ORDER BY g.grantee COLLATE "C")
        FROM (
            SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' WHEN a.owner THEN 'owner' ELSE e.grantee::regrole::text END AS grantee,
                string_agg(e.privilege_type || CASE WHEN e.is_grantable THEN '*' ELSE '' END, '/' ORDER BY e.privilege_type) AS privileges
            FROM aclexplode(coalesce(a.acl, acldefault(a.type, a.owner))) AS e
            GROUP BY 1) AS g) AS privileges
    FROM (SELECT DISTINCT type, owner, acl FROM owned) AS a
), fact (n, kind, parent, name, def) AS (
    SELECT n, kind, parent, name, def FROM obj
    UNION ALL
    SELECT o.n, 'owner', o.parent, o.name, o.owner::regrole::text
    FROM owned AS o WHERE {owners}
    UNION ALL
    -- What has an owner, and no privileges.
    SELECT o.n, 'owner of ' || o.kind, o.name, '', w.owner::regrole::text
    FROM obj AS o
    JOIN (
        SELECT 'pg_operator'::regclass AS class, oid, oprowner AS owner FROM pg_operator
        UNION ALL SELECT 'pg_opclass'::regclass, oid, opcowner FROM pg_opclass
        UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfowner FROM pg_opfamily
        UNION ALL SELECT 'pg_collation'::regclass, oid, collowner FROM pg_collation
        UNION ALL SELECT 'pg_conversion'::regclass, oid, conowner FROM pg_conversion
        UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgowner FROM pg_ts_config
        UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner FROM pg_ts_dict) AS w ON w.class = o.class AND w.oid = o.oid
    WHERE {owners}
    UNION ALL
    SELECT o.n, 'privileges', o.parent, o.name, coalesce(a.privileges, 'none')
    FROM owned AS o
    JOIN acl AS a ON a.type = o.type AND a.owner = o.owner AND a.acl IS NOT DISTINCT FROM o.acl
    WHERE {privileges}
    UNION ALL
    SELECT c.n, 'column privileges', c.relname, a.attname::text,
        (SELECT string_agg(g.grantee || '=' || g.privileges, ', ' ORDER BY g.grantee COLLATE "C")
        FROM (
            SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END AS grantee,
                string_agg(e.privilege_type || CASE WHEN e.is_grantable THEN '*' ELSE '' END, '/' ORDER BY e.privilege_type) AS privileges
            FROM aclexplode(a.attacl) AS e
            GROUP BY 1) AS g)
    FROM rel AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
    WHERE {privileges}
    UNION ALL
    SELECT n.n, 'default privileges', '', CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
            WHEN 'T' THEN 'types' ELSE d.defaclobjtype::text END || ' of ' || d.defaclrole::regrole::text,
        (SELECT string_agg(g.grantee || '=' || g.privileges, ', ' ORDER BY g.grantee COLLATE "C")
        FROM (
            SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END AS grantee,
                string_agg(e.privilege_type || CASE WHEN e.is_grantable THEN '*' ELSE '' END, '/' ORDER BY e.privilege_type) AS privileges
            FROM aclexplode(d.defaclacl) AS e
            GROUP BY 1) AS g)
    FROM whole AS n
    JOIN pg_default_acl AS d ON d.defaclnamespace = n.oid
    WHERE {privileges}
    UNION ALL
    SELECT o.n, 'comment on ' || o.kind, CASE o.parent WHEN '' THEN o.name ELSE o.parent END, CASE o.parent WHEN '' THEN '' ELSE o.name END, s.description
    FROM obj AS o
    JOIN pg_description AS s ON s.classoid = o.class AND s.objoid = o.oid AND s.objsubid = o.sub
    WHERE {comments}
    UNION ALL
    SELECT c.n, 'comment on column', c.relname, a.attname::text, s.description
    FROM rel AS c
    JOIN pg_description AS s ON s.classoid = 'pg_class'::regclass AND s.objoid = c.oid
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = s.objsubid AND a.attnum > 0
    WHERE c.relkind IN ('v', 'm') AND {comments}
    UNION ALL
    SELECT n.n, 'comment on schema', '', '', s.description
    FROM whole AS n
    JOIN pg_description AS s ON s.classoid = 'pg_namespace'::regclass AND s.objoid = n.oid
    WHERE {comments}
), norm AS MATERIALIZED (
    -- Most definitions do not name the shard: strpos spares them the regular expressions.
    SELECT f.n, f.kind, f.parent, f.name, f.def AS raw,
        CASE WHEN strpos(f.def, ns.nspname) > 0
            THEN regexp_replace(regexp_replace(f.def, ns.prefix, '', 'g'), ns.word, '{shard}', 'g')
            ELSE f.def END AS def
    FROM fact AS f
    JOIN ns ON ns.n = f.n
), total AS MATERIALIZED (
    SELECT count(*) AS shards, array_agg(n) AS which FROM ns
), there AS MATERIALIZED (
    -- Which shards have what can have parts.
    SELECT f.name, array_agg(DISTINCT f.n) AS which
    FROM obj AS f
    WHERE f.parent = '' AND f.class <> 0
    GROUP BY f.name
), locked AS MATERIALIZED (
    SELECT relname AS name, array_agg(n) AS which FROM every WHERE is_locked GROUP BY relname
), variant AS MATERIALIZED (
    SELECT kind, parent, name, def, count(*) AS shards, min(n) AS first, array_agg(n) AS which
    FROM norm
    GROUP BY kind, parent, name, def
), object AS MATERIALIZED (
    SELECT v.kind, v.parent, v.name, v.have, v.variants,
        CASE WHEN t.which IS NULL THEN total.shards - coalesce(cardinality(l.which), 0) ELSE cardinality(t.which) END AS of,
        coalesce(t.which, total.which) AS candidates,
        coalesce(l.which, '{}') AS locked
    FROM (SELECT kind, parent, name, sum(shards) AS have, count(*) AS variants FROM variant GROUP BY kind, parent, name) AS v
    CROSS JOIN total
    LEFT JOIN there AS t ON t.name = v.parent
    LEFT JOIN locked AS l ON l.name = v.name AND v.parent = ''
), differing AS MATERIALIZED (
    SELECT * FROM object WHERE {differs} OR have < of OR variants > 1
), answer AS (
    SELECT d.kind, d.parent, d.name, 'has' AS state, v.def, norm.raw, v.first, v.shards, v.which
    FROM differing AS d
    JOIN variant AS v ON v.kind = d.kind AND v.parent = d.parent AND v.name = d.name
    JOIN norm ON norm.n = v.first AND norm.kind = v.kind AND norm.parent = v.parent
        AND norm.name = v.name AND norm.def = v.def
    UNION ALL
    SELECT d.kind, d.parent, d.name, 'lacks', NULL, NULL, NULL, cardinality(w.which), w.which
    FROM differing AS d
    CROSS JOIN LATERAL (
        SELECT array(
            SELECT unnest(d.candidates) EXCEPT SELECT unnest(d.locked)
            EXCEPT SELECT unnest(v.which) FROM variant AS v
                WHERE v.kind = d.kind AND v.parent = d.parent AND v.name = d.name) AS which) AS w
    WHERE d.have < d.of
    UNION ALL
    SELECT 'locked', '', relname, 'locked', NULL, pid::text, NULL, count(*), array_agg(n)
    FROM every WHERE is_locked GROUP BY relname, pid
)
SELECT kind, parent, name, state, def, nullif(raw, def), first, shards,
    CASE WHEN shards < (SELECT shards FROM total) THEN array_to_string(which, ',') END
FROM answer
