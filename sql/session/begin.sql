-- Opens the single transaction of a connection. Returns no rows.
BEGIN ISOLATION LEVEL {isolation} READ ONLY
