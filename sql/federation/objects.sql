-- What a federation made in this database: one row per object, which its comment marks. Its kind,
-- its schema (empty if it is in none), its name, its comment, and its definition as JSON: of a
-- server, its options and the user of its mapping; of a type, its labels; of a foreign table, its server, its options and its
-- columns (name, type, and collation if that is not the type's own).
SELECT 'extension', '', e.extname, d.description,
    -- Whether others use it too.
    pg_catalog.json_build_object('others', EXISTS (
        SELECT
        FROM pg_catalog.pg_foreign_server AS s
        JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid OPERATOR(pg_catalog.=) s.srvfdw
        WHERE w.fdwname OPERATOR(pg_catalog.=) 'postgres_fdw'
            AND coalesce(pg_catalog.obj_description(s.oid, 'pg_foreign_server'), '')
                OPERATOR(pg_catalog.!~~) 'shardq federate%'
    ))::pg_catalog.text
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_description AS d ON d.objoid OPERATOR(pg_catalog.=) e.oid
    AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
WHERE d.description OPERATOR(pg_catalog.~~) 'shardq federate%'
UNION ALL
SELECT 'server', '', s.srvname, d.description, pg_catalog.json_build_object(
    'options', (
        SELECT coalesce(pg_catalog.json_object_agg(o.option_name, o.option_value), '{}')
        FROM pg_catalog.pg_options_to_table(s.srvoptions) AS o),
    -- Whom this role logs in there as, if it may know.
    'user', (
        SELECT o.option_value
        FROM pg_catalog.pg_user_mappings AS m
        CROSS JOIN LATERAL pg_catalog.pg_options_to_table(m.umoptions) AS o
        WHERE m.srvid OPERATOR(pg_catalog.=) s.oid
            AND m.usename OPERATOR(pg_catalog.=) ANY (ARRAY[current_user, 'public']::pg_catalog.name[])
            AND o.option_name OPERATOR(pg_catalog.=) 'user'
        ORDER BY m.umuser OPERATOR(pg_catalog.=) 0::pg_catalog.oid
        LIMIT 1))::pg_catalog.text
FROM pg_catalog.pg_foreign_server AS s
JOIN pg_catalog.pg_description AS d ON d.objoid OPERATOR(pg_catalog.=) s.oid
    AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_foreign_server'::pg_catalog.regclass
WHERE d.description OPERATOR(pg_catalog.~~) 'shardq federate%'
UNION ALL
SELECT 'type', '', t.typname, d.description, (
    SELECT coalesce(pg_catalog.json_agg(m.enumlabel ORDER BY m.enumsortorder)::pg_catalog.text, '[]')
    FROM pg_catalog.pg_enum AS m
    WHERE m.enumtypid OPERATOR(pg_catalog.=) t.oid)
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_description AS d ON d.objoid OPERATOR(pg_catalog.=) t.oid
    AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
WHERE d.description OPERATOR(pg_catalog.~~) 'shardq federate%'
UNION ALL
SELECT 'schema', '', n.nspname, d.description, '{}'
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_description AS d ON d.objoid OPERATOR(pg_catalog.=) n.oid
    AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
WHERE d.description OPERATOR(pg_catalog.~~) 'shardq federate%'
UNION ALL
SELECT
    CASE
        WHEN c.relispartition THEN 'partition'
        WHEN c.relkind OPERATOR(pg_catalog.=) 'f' THEN 'foreign table'
        WHEN c.relkind OPERATOR(pg_catalog.=) 'v' THEN 'view'
        ELSE 'table'
    END,
    n.nspname, c.relname, d.description,
    CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'f' THEN pg_catalog.json_build_object(
        'server', s.srvname,
        'options', (
            SELECT pg_catalog.json_object_agg(o.option_name, o.option_value)
            FROM pg_catalog.pg_options_to_table(f.ftoptions) AS o),
        'columns', (
            SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                a.attname,
                pg_catalog.format_type(a.atttypid, a.atttypmod),
                CASE WHEN ln.oid IS NOT NULL THEN pg_catalog.format('%I.%I', ln.nspname, l.collname) ELSE '' END
            ) ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute AS a
            JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
            LEFT JOIN pg_catalog.pg_collation AS l ON l.oid OPERATOR(pg_catalog.=) a.attcollation
                AND a.attcollation OPERATOR(pg_catalog.<>) t.typcollation
            LEFT JOIN pg_catalog.pg_namespace AS ln ON ln.oid OPERATOR(pg_catalog.=) l.collnamespace
            WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
                AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped)
    )::pg_catalog.text ELSE '{}' END
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_description AS d ON d.objoid OPERATOR(pg_catalog.=) c.oid
    AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.objsubid OPERATOR(pg_catalog.=) 0
LEFT JOIN pg_catalog.pg_foreign_table AS f ON f.ftrelid OPERATOR(pg_catalog.=) c.oid
LEFT JOIN pg_catalog.pg_foreign_server AS s ON s.oid OPERATOR(pg_catalog.=) f.ftserver
WHERE d.description OPERATOR(pg_catalog.~~) 'shardq federate%'
