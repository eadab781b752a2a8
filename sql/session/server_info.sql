-- Returns one row for the manifest: the server version, the user, the transactions that the
-- snapshot sees, when it was taken, the WAL position right after that (NULL on a standby), and the
-- settings that change how values are written and that an export leaves unchanged.
SELECT pg_catalog.current_setting('server_version'),
       current_user,
       pg_catalog.txid_current_snapshot(),
       pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_lsn() END,
       pg_catalog.current_setting('TimeZone'),
       pg_catalog.current_setting('lc_monetary')
