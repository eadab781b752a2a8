-- The enums of the database: the name with its schema, and the labels as a JSON array in order.
SELECT
    pg_catalog.format_type(m.enumtypid, NULL),
    pg_catalog.json_agg(m.enumlabel ORDER BY m.enumsortorder)
FROM pg_catalog.pg_enum AS m
GROUP BY m.enumtypid
