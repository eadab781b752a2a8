-- The sample database, part 1 of 3: the distribution of the data.
--
-- Modeled on Habitat Builder's builder_originsrv of 2017: 128 shards, ids that contain their
-- shard, and one origin (core) much larger than all others. Everything is computed from
-- running numbers, so that every load is identical to the last byte.
--
-- Run the parts in order, in a database without shards. Three settings scale it:
--   PGOPTIONS='-c demo.shards=128 -c demo.origins=5001 -c demo.packages=40001'

CREATE SCHEMA demo;

-- Compiling these queries takes longer than running them.
SET jit = off;

-- One row: the settings, or their defaults.
CREATE TABLE demo.size AS
SELECT
    coalesce(nullif(current_setting('demo.shards', true), ''), '128')::int AS shards,
    coalesce(nullif(current_setting('demo.origins', true), ''), '5001')::int AS origins,
    coalesce(nullif(current_setting('demo.packages', true), ''), '40001')::int AS packages;

-- The low bits of a product depend only on the low bits of its factors. The hash below keeps
-- 13 of them, so its shard is correct only for powers of two up to 8192.
ALTER TABLE demo.size ADD CHECK (shards BETWEEN 1 AND 8192 AND shards & (shards - 1) = 0);

-- The shard of a name: FNV-1a 64, modulo the number of shards.
--
-- hash = offset basis; for each byte: hash = (hash XOR byte) * prime, modulo 2^64.
-- Modulo 2^13, the offset basis 0xcbf29ce484222325 is 805 and the prime
-- 2^40 + 435 is 435, and nothing overflows. core is in shard 30 of 128.
CREATE FUNCTION demo.shard_of(name text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    bytes bytea := convert_to(name, 'UTF8');
    hash int := 805;
BEGIN
    FOR i IN 0 .. length(bytes) - 1 LOOP
        hash := ((hash # get_byte(bytes, i)) * 435) & 8191;
    END LOOP;
    RETURN hash & ((SELECT shards FROM demo.size) - 1);
END
$$;

-- An id: milliseconds since 2014-08-28 22:49:51 UTC, ten bits of a sequence, and thirteen bits
-- of the shard. (Builder's own core has 721096797631602688, from the time it had one shard;
-- here it has the same time and sequence, in shard 30.)
CREATE FUNCTION demo.id(created_at timestamptz, sequence bigint, shard int) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT (((extract(epoch FROM created_at) * 1000)::bigint - 1409266191000) << 23)
        | ((sequence % 1024) << 13)
        | shard
$$;

-- One row per person's account. Builder keeps accounts in another database
-- (builder_sessionsrv); here they are only referenced.
CREATE UNLOGGED TABLE demo.accounts AS
SELECT number, name, demo.id(created_at, number, demo.shard_of(name)) AS id
FROM (
    SELECT
        number,
        first_names[1 + number % 24] || coalesce('-' || nullif(number / 24, 0), '') AS name,
        timestamptz '2017-05-01 09:00:00.500Z' + number * interval '97.003s' AS created_at
    FROM
        demo.size,
        generate_series(0, greatest(size.origins / 2, 1)) AS number,
        string_to_array(
            'ada alan anita barbara brian claude dennis donald edsger frances grace guido '
            'jean john ken leslie linus margaret niklaus radia robin sophie tim yukihiro', ' '
        ) AS first_names
) AS account;

-- One row per origin: core first, then in order of decreasing size. Its packages are those
-- numbered after first_package, up to last_package.
CREATE UNLOGGED TABLE demo.origins AS
WITH
    sized AS (
        -- A third of all packages are core's; a square root distributes the rest, because every
        -- platform rounds it the same way.
        SELECT
            number,
            packages / 3
                + floor((packages - packages / 3) * sqrt(number::float8 / greatest(origins - 1, 1)))::int
                AS last_package
        FROM demo.size, generate_series(0, size.origins - 1) AS number
    ),
    named AS (
        SELECT
            number,
            last_package,
            CASE
                WHEN number = 0 THEN 'core'
                ELSE
                    adjectives[1 + (number - 1) % 41]
                    || '-' || nouns[1 + (number - 1) / 41 % 61]
                    || coalesce('-' || nullif((number - 1) / (41 * 61), 0), '')
            END AS name
        FROM
            sized,
            string_to_array(
                'amber ancient autumn bold brave bright calm clever cold cosmic crimson curious '
                'daring deep eager early electric fancy fast fierce gentle golden happy hidden '
                'humble icy jolly kind lively lucky mighty noble odd proud quiet rapid silent '
                'solid tiny vivid wild', ' '
            ) AS adjectives,
            string_to_array(
                'acorn anchor arrow badger beacon birch bison boulder canyon cedar cliff cloud '
                'comet coral crane delta dune ember falcon fern fjord forest fox garden glacier '
                'grove harbor hawk heron island jackal juniper kestrel lagoon lantern lark '
                'lynx maple meadow mesa moss nebula oak ocean orchid otter owl pebble pine '
                'prairie quartz raven reef river robin sparrow spruce summit thicket tundra willow', ' '
            ) AS nouns
    )
SELECT
    number,
    name,
    demo.shard_of(name) AS shard,
    timestamptz '2017-05-19 21:00:27.943Z' + number * interval '433.007s' AS created_at,
    coalesce(lag(last_package) OVER (ORDER BY number), 0) AS first_package,
    last_package
FROM named;

CREATE INDEX ON demo.origins (shard);
ANALYZE demo.origins, demo.accounts;

RESET jit;
