-- Creates bench.shards shards of four tables with indexes. They are not analyzed: what is measured is
-- also how long estimates take without. Commits in between: one transaction would need more locks
-- than the server has.
DO $$
BEGIN
    FOR shard IN 0 .. current_setting('bench.shards')::int - 1 LOOP
        EXECUTE format('CREATE SCHEMA shard_%s', shard);
        PERFORM set_config('search_path', format('shard_%s', shard), false);
        CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL UNIQUE, created_at timestamptz DEFAULT now());
        CREATE TABLE origins (id bigint PRIMARY KEY, name text UNIQUE, owner_id bigint REFERENCES accounts (id));
        CREATE TABLE packages (id bigint PRIMARY KEY, origin_id bigint REFERENCES origins (id), name text, ident text);
        CREATE TABLE jobs (id bigint PRIMARY KEY, state text NOT NULL DEFAULT 'new', at timestamptz);
        CREATE INDEX ON packages (origin_id);
        INSERT INTO accounts SELECT n, 'account-' || n FROM generate_series(1, 8) AS n;
        IF shard % 64 = 63 THEN
            COMMIT;
        END IF;
    END LOOP;
END
$$;
