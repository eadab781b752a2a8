-- Creates bench.shards shards, each with a table of eight names. Commits in between: one
-- transaction would need more locks than the server has.
DO $$
BEGIN
    FOR shard IN 0 .. current_setting('bench.shards')::int - 1 LOOP
        EXECUTE format('CREATE SCHEMA shard_%s', shard);
        EXECUTE format(
            'CREATE TABLE shard_%1$s.origins AS SELECT ''origin-%1$s-'' || n AS name FROM generate_series(1, 8) AS n',
            shard
        );
        IF shard % 128 = 127 THEN
            COMMIT;
        END IF;
    END LOOP;
END
$$;
ANALYZE;
