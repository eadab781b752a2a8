-- Continues the objects of drift.sql: publications of all tables of a schema, from Postgres 15 on.
    UNION ALL
    SELECT n.n, 0, 0, 0, 'publication', '', b.pubname::text, 'TABLES IN SCHEMA'
    FROM whole AS n
    JOIN pg_publication_namespace AS r ON r.pnnspid = n.oid
    JOIN pg_publication AS b ON b.oid = r.pnpubid
