-- 128 shards with 1.5 million packages of 200 bytes in all, a third of them in shard_30. Commits in
-- between: one transaction would need more locks than the server has.
DO $$
DECLARE
    packages int;
BEGIN
    FOR shard IN 0 .. 127 LOOP
        packages := CASE shard WHEN 30 THEN 500000 ELSE 7874 END;
        EXECUTE format('CREATE SCHEMA shard_%s', shard);
        PERFORM set_config('search_path', format('shard_%s', shard), false);
        CREATE TABLE origin_packages (
            id bigint PRIMARY KEY,
            origin_id bigint,
            owner_id bigint,
            name text,
            ident text,
            checksum text,
            target text,
            visibility text,
            created_at timestamptz
        );
        INSERT INTO origin_packages
        SELECT
            n::bigint * 8192 + shard, n % 97, n % 1009, 'package-' || (n::bigint * 7919 + shard) % 400,
            format('origin-%s/package-%s/%s.%s/%s', n % 97, (n::bigint * 7919 + shard) % 400, n % 9, n % 31, n),
            md5(n::text) || md5(shard::text),
            (ARRAY['x86_64-linux', 'x86_64-windows', 'aarch64-linux'])[1 + n % 3],
            (ARRAY['public', 'private', 'hidden'])[1 + n % 7 % 3],
            timestamptz '2020-01-01 UTC' + (n::bigint * 104729 + shard) % 100000000 * interval '1 second'
        FROM generate_series(1, packages) AS n;
        COMMIT;
    END LOOP;
END
$$;
VACUUM ANALYZE;
