-- The tables of the differential test, unsharded, in the current schema. Values
-- are computed, so that two loads are equal. Rows are spread over shards by id.
-- Float values are multiples of a quarter: their sums are exact in any order.

CREATE TABLE numbers (
    id int PRIMARY KEY, grp int, i2 smallint, i4 int, i8 bigint, n numeric, n2 numeric(10, 2),
    f4 real, f8 double precision, m money, b boolean, bits bit(8)
);
INSERT INTO numbers
SELECT
    id,
    nullif(id % 7, 6),
    CASE WHEN id % 11 <> 0 THEN (id * 37) % 20001 - 10000 END,
    CASE WHEN id % 13 <> 0 THEN (id * 7919) % 2000003 - 1000001 END,
    CASE WHEN id % 17 <> 0 THEN id * 30000000000000007 % 9007199254740993 END,
    CASE WHEN id % 19 <> 0 THEN (id * 12345.678901234567890 - 99999) / 7 END,
    (id * 3.37) % 1000,
    CASE WHEN id % 5 <> 0 THEN (id % 1000 - 500) * 0.25 END,
    CASE WHEN id % 7 <> 0 THEN (id * 1237 % 10000 - 5000) * 0.25 END,
    CASE WHEN id % 9 <> 0 THEN ((id * 1.5)::numeric(10, 2))::money END,
    CASE id % 3 WHEN 0 THEN true WHEN 1 THEN false END,
    (id % 256)::bit(8)
FROM generate_series(1, 240) AS id;

-- NaN, infinities, the largest and the smallest.
CREATE TABLE extremes (id int PRIMARY KEY, grp int, n numeric, f4 real, f8 double precision, i8 bigint, i4 int);
INSERT INTO extremes VALUES
    (1, 1, 'NaN', 'NaN', 'NaN', 9223372036854775807, 2147483647),
    (2, 1, 1, 1, 1, 1, 1),
    (3, 2, 'Infinity', 'Infinity', 'Infinity', -9223372036854775808, -2147483648),
    (4, 2, 2, 2, 2, 2, 2),
    (5, 3, 'Infinity', 'Infinity', 'Infinity', NULL, NULL),
    (6, 3, '-Infinity', '-Infinity', '-Infinity', 0, 0),
    (7, 4, NULL, NULL, NULL, NULL, NULL),
    (8, 4, NULL, NULL, NULL, NULL, NULL),
    (9, 5, 0, '-0', '-0', 5, 5),
    (10, 5, -0.0, 0, 0, 6, 6),
    (11, 6, 1e-300, 1e-30, 1e-300, 7, 7),
    (12, 6, 1.000000000000000000000000000001, 1e30, 1e300, 8, 8);

-- Numerics of every size and scale, some alone in their group, few that are not
-- numbers.
CREATE TABLE scales (id int PRIMARY KEY, grp int, alone int, x numeric, y numeric(12, 3), i2 smallint, i4 int, i8 bigint);
INSERT INTO scales
SELECT id, id % 5, nullif(id / 2, 77),
    CASE WHEN id IN (151, 174) THEN 'NaN' WHEN id = 162 THEN 'Infinity' WHEN id IN (163, 183) THEN '-Infinity'
        WHEN id % 6 <> 0 THEN (('x' || substr(md5(id::text), 1, 15))::bit(60)::bigint - 576460752303423488)
            * (10::numeric ^ (id % 5 * 20 - 60)) * (id % 3 + 0.10)::numeric(10, 2) END,
    (id * 7919 % 100003) / 7.0 - 5000, id * 31 % 100, id * 7919 % 2000003 - 1000001,
    CASE WHEN id % 4 = 0 THEN 9223372036854775807 - id ELSE -9223372036854775807 + id * 1000 END
FROM generate_series(1, 200) AS id;

-- A row's shard is that of the row that it leads to, whatever shards there are, for
-- 1920 is a multiple of their numbers. See `World` for the foreign keys.
CREATE TABLE parents (id bigint PRIMARY KEY, name text, grp int);
INSERT INTO parents SELECT id, 'parent ' || id % 40, id % 6 FROM generate_series(1, 140) AS id;
CREATE TABLE children (id bigint PRIMARY KEY, parent bigint, other bigint, n numeric);
INSERT INTO children
SELECT parent + 1920 * k, CASE WHEN k < 4 THEN parent END, parent % 50, k * parent / 3.0
FROM generate_series(1, 120) AS parent, generate_series(1, 4) AS k;

CREATE TABLE texts (
    id int PRIMARY KEY, t text, c text COLLATE "C", e text COLLATE "en-US-x-icu",
    ci text COLLATE public.ci, v varchar(12), ch char(6), raw bytea
);
INSERT INTO texts
SELECT id, word, word, word, word, left(word, 12), left(word, 6), convert_to(word, 'UTF8')
FROM generate_series(1, 120) AS id,
    LATERAL (SELECT CASE WHEN id % 23 = 0 THEN NULL ELSE
        (ARRAY['apple', 'Apple', 'APPLE', 'äpfel', 'Zebra', 'zebra', '', ' lead', 'trail ', 'a-b', 'ab', 'a b',
            'žluť', 'Žluť', 'naïve', 'naive', '10', '9', '2', 'tab	bed', 'new
line', 'quo"te', 'it''s', 'back\slash', '漢字', '😀'])[1 + id % 26] END AS word) AS words;

CREATE TABLE people (
    id int PRIMARY KEY, name text NOT NULL, boss int, born date, mood public.mood, age public.positive
);
INSERT INTO people
SELECT id, 'person ' || id % 37, nullif(id / 3, 0), date '1970-01-01' + id * 97,
    (ARRAY['sad', 'ok', 'happy', NULL])[1 + id % 4]::public.mood, 1 + id % 60
FROM generate_series(1, 90) AS id;

CREATE TABLE orders (
    id bigint PRIMARY KEY, person int, item text, qty int, price numeric(8, 2), at timestamptz, tags text[], doc jsonb
);
INSERT INTO orders
SELECT id, nullif(id * 31 % 97, 96), 'item ' || id % 12, id % 9, (id * 17 % 1000) / 10.0,
    timestamptz '2024-03-30 20:00Z' + id * interval '97 minutes',
    CASE WHEN id % 4 > 0 THEN ARRAY['a' || id % 3, 'b' || id % 5] ELSE '{}' END,
    CASE WHEN id % 6 > 0 THEN jsonb_build_object('k', id % 5, 'deep', jsonb_build_array(id % 2, 'x'), 'when', id) END
FROM generate_series(1, 300) AS id;

CREATE TABLE events (
    id int PRIMARY KEY, at timestamptz, local timestamp, d date, span interval, clock timetz, r int4range
);
INSERT INTO events
SELECT id, timestamptz '2023-10-28 22:30Z' + id * interval '31 minutes',
    timestamp '2024-02-28 12:00' + id * interval '7 hours', date '2023-12-20' + id,
    id * interval '1 day 3 hours' - interval '1 mon', (timestamptz '2024-01-01 00:00Z' + id * interval '1 h')::timetz,
    CASE WHEN id % 8 > 0 THEN int4range(id % 10, id % 10 + id % 4) END
FROM generate_series(1, 100) AS id;

CREATE TABLE nodes (id int PRIMARY KEY, parent int, label text);
INSERT INTO nodes SELECT id, CASE WHEN id > 1 THEN id / 2 END, chr(96 + 1 + id % 26) FROM generate_series(1, 63) AS id;

CREATE TABLE "Order" (
    id int PRIMARY KEY, "Group" int, "select" text, "a ""b""" text, "user" int, last int, b int, "true" int
);
INSERT INTO "Order"
SELECT id, id % 3, 's' || id, 'q' || id % 2, id, nullif(id % 7, 5), id * 7 % 11, id % 4 FROM generate_series(1, 20) AS id;

CREATE TABLE own (id int PRIMARY KEY, shard text, x int);
INSERT INTO own SELECT id, 'mine ' || id % 2, id FROM generate_series(1, 10) AS id;

CREATE TABLE nothing (id int PRIMARY KEY, x text, n numeric, f float8, b boolean);
