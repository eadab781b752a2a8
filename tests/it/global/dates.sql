-- with $z in 'UTC', 'Europe/Prague', 'America/New_York', 'Asia/Kathmandu'
SELECT date_trunc('day', at AT TIME ZONE $z), count(*) FROM events GROUP BY 1 ORDER BY 1;
SELECT at AT TIME ZONE $z FROM events ORDER BY at;
SELECT local AT TIME ZONE $z FROM events ORDER BY local;
SELECT extract(hour FROM at AT TIME ZONE $z) AS h, count(*) FROM orders GROUP BY h ORDER BY h;
SELECT date_trunc('month', at, $z), min(at), max(at) FROM orders GROUP BY 1;
-- with $c in at, local, d, span, clock, r
SELECT $c FROM events ORDER BY $c, id;
SELECT $c FROM events ORDER BY $c DESC NULLS LAST, id LIMIT 5;
SELECT $c, count(*) FROM events GROUP BY $c;
SELECT count(DISTINCT $c) FROM events;
SELECT id, lag($c) OVER (ORDER BY id) FROM events;
-- with $c in at, local, d, span
SELECT min($c), max($c) FROM events;
SELECT id % 5, max($c) FROM events GROUP BY 1;
SELECT max($c) FILTER (WHERE id > 1000) FROM events;
-- once
SELECT sum(span), avg(span) FROM events;
SELECT d - lag(d) OVER (ORDER BY id) FROM events;
SELECT d + span FROM events;
SELECT age(local, '2024-01-01') FROM events;
SELECT to_char(at, 'YYYY-MM-DD HH24:MI:SS TZ'), to_char(d, 'Day DDD') FROM events;
SELECT extract(epoch FROM at), extract(isoyear FROM d), date_part('dow', d) FROM events;
SELECT count(*) FROM events WHERE at > '2023-10-29 01:00+02' AND at <= timestamptz '2023-10-29 03:00 Europe/Prague';
SELECT count(*) FROM events WHERE (local, span) OVERLAPS (timestamp '2024-03-01', interval '3 days');
SELECT day, count(e.id) FROM generate_series(date '2024-01-01', date '2024-01-10', '1 day') day LEFT JOIN events e ON e.d = day GROUP BY day ORDER BY day;
SELECT r, lower(r), upper(r), isempty(r) FROM events;
SELECT range_agg(r ORDER BY id), range_intersect_agg(r) FROM events WHERE NOT isempty(r);
SELECT count(*) FROM events WHERE r @> 5;
SELECT justify_hours(span), span * 2 FROM events;
SELECT make_interval(days => id::int) + local FROM events;
SELECT d, at::date, local::time FROM events WHERE d BETWEEN '2024-01-01' AND '2024-02-01';
