-- Creates bench.shards shards from number bench.first (0), each with a table of eight names. Commits in between: one
-- transaction would need more locks than the server has.
DO $$
DECLARE
    first int := coalesce(current_setting('bench.first', true), '0');
BEGIN
    FOR shard IN first .. first + current_setting('bench.shards')::int - 1 LOOP
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
