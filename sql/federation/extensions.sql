-- The extensions of the database: name and version.
SELECT extname, extversion FROM pg_catalog.pg_extension
