-- A policy of row-level security that would hide rows from this role is an error. No rows.
SET LOCAL row_security = off
