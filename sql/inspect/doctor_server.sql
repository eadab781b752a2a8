-- Returns one row of facts about the server, this connection and this role, in this order:
-- version, its number; whether it is a standby, and how many seconds behind;
-- the process that serves this connection, whether it came by a network, and the version of TLS;
-- connections in use (parallel workers count too), at most, reserved, and whether some are for us;
-- the role, whether it is a superuser, and in how many of {shards} it may write some table;
-- locks that all transactions can hold together, and locks that reading the table with the most
-- indexes takes in all shards at once;
-- the age of the oldest transaction id of any database, and that database's name;
-- whether the client has a certificate.
WITH shard_tables AS (
    SELECT s.n, c.oid, c.relname, 1 + count(i.indexrelid) AS locks
    FROM unnest({shards}) WITH ORDINALITY AS s (name, n)
    JOIN pg_namespace AS n ON n.nspname = s.name
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind = ANY ('{r,p}')
    LEFT JOIN pg_index AS i ON i.indrelid = c.oid
    GROUP BY s.n, c.oid, c.relname)
SELECT
    current_setting('server_version'),
    current_setting('server_version_num'),
    pg_is_in_recovery(),
    -- Nothing to replay is not a delay, however old the last transaction is.
    CASE WHEN pg_is_in_recovery()
            AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
        THEN extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END,
    pg_backend_pid(),
    inet_server_addr() IS NOT NULL,
    (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl),
    (SELECT sum(numbackends) FROM pg_stat_database),
    current_setting('max_connections'),
    current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true), '0')::int,
    current_user,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    (SELECT count(DISTINCT n) FROM shard_tables
        WHERE has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')),
    current_setting('max_locks_per_transaction')::bigint
        * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int),
    (SELECT max(locks) FROM (SELECT sum(locks) AS locks FROM shard_tables GROUP BY relname) AS t),
    current_setting('max_locks_per_transaction'),
    d.age,
    d.datname,
    (SELECT client_dn IS NOT NULL FROM pg_stat_ssl WHERE pid = pg_backend_pid())
FROM (SELECT age(datfrozenxid), datname FROM pg_database ORDER BY 1 DESC LIMIT 1) AS d
