-- Makes it an error if a row-level security policy would hide rows from this role. Returns no rows.
SET LOCAL row_security = off
