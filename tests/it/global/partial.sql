-- with $c in id, qty, price, at, item
SELECT min($c), max($c), count($c), count(*) FROM orders;
SELECT person, min($c), max($c) AS top FROM orders o GROUP BY person ORDER BY o.person NULLS FIRST;
SELECT $c, count(*) FROM orders GROUP BY $c ORDER BY 2 DESC, 1 LIMIT 4;
SELECT o.$c AS x, count(*) AS n FROM orders AS o GROUP BY x HAVING count(*) > 1 ORDER BY n, x DESC NULLS LAST LIMIT 5 OFFSET 1;
SELECT $c, id FROM orders ORDER BY $c DESC, id LIMIT 6;
SELECT * FROM events e ORDER BY id DESC LIMIT 3 OFFSET 2;
SELECT id, $c FROM orders WHERE qty BETWEEN 2 AND 5 AND item LIKE 'item %' ORDER BY 2 NULLS FIRST, orders.id DESC LIMIT 7;
-- with $c in id, qty, price
SELECT sum($c), avg($c), sum($c) * 2 + count(*) FROM orders;
SELECT qty, sum($c) / count(*), avg($c) FILTER (WHERE id % 2 = 0) FROM orders GROUP BY qty HAVING sum($c) > 10 OR qty IS NULL;
SELECT qty % 3 AS k, avg($c), round(avg($c), 2) FROM orders GROUP BY k ORDER BY avg($c) DESC, k;
SELECT sum(CASE WHEN qty > 3 THEN $c ELSE 0 END), count(*) FILTER (WHERE qty > 3) FROM orders;
-- once
SELECT b, bool_and(i4 > 0), bool_or(i2 > 9), every(b), bit_and(i4), bit_or(i8), bit_xor(i2) FROM numbers GROUP BY b;
SELECT upper(item), lower(item) || 'x' AS l, count(*) FROM orders GROUP BY 1, l ORDER BY upper(item), l;
SELECT (qty + 1) * 2, count(*) FROM orders GROUP BY qty ORDER BY qty;
SELECT qty + 1 + id % 2, count(*) FROM orders GROUP BY qty, id % 2;
SELECT 2 * (qty + 1), count(*) FROM orders GROUP BY qty + 1;
SELECT item = 'item 1', item = 'ITEM 1', count(*) FROM orders GROUP BY item = 'item 1', item = 'ITEM 1';
SELECT item = 'ITEM 1', count(*) FROM orders GROUP BY item = 'item 1';
SELECT count(*) AS qty, qty AS n FROM orders GROUP BY orders.qty ORDER BY qty, n;
SELECT qty FROM orders GROUP BY qty ORDER BY count(*) DESC, qty LIMIT 3;
SELECT count(*) FROM orders WHERE id < 0;
SELECT qty, sum(price) FROM orders WHERE id < 0 GROUP BY qty;
SELECT shard, sum(qty) FROM orders GROUP BY shard ORDER BY 2 DESC, shard LIMIT 3;
SELECT id, doc, price FROM orders ORDER BY price DESC, id LIMIT 5;
SELECT id AS price, price AS id FROM orders ORDER BY id DESC, price LIMIT 5;
SELECT id FROM orders ORDER BY price + qty, id LIMIT 5;
SELECT id FROM orders ORDER BY id LIMIT 0;
SELECT id FROM orders ORDER BY id LIMIT 5 OFFSET 1000;
SELECT sum(f8), avg(f4) FROM numbers;
SELECT max(f8) FROM numbers;
SELECT count(*) FROM orders HAVING count(*) > 5;
SELECT 'it''s "a" \ b', item, count(*) FROM orders GROUP BY item;
SELECT t, count(*) FROM texts GROUP BY t ORDER BY t;
SELECT count(*), 'now' FROM orders;
SELECT i8, count(*) FROM numbers GROUP BY i8 ORDER BY count(*), i8 NULLS FIRST LIMIT 9;
SELECT n, min(n2), max(v) FROM numbers GROUP BY n;
