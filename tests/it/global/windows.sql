-- with $f in row_number(), rank(), dense_rank(), percent_rank(), cume_dist(), ntile(4)
SELECT id, $f OVER (ORDER BY price, id) FROM orders;
SELECT id, $f OVER (PARTITION BY person ORDER BY price DESC, id) FROM orders ORDER BY id;
-- with $f in sum(qty), avg(price), min(at), max(item), count(*), first_value(id), last_value(id), nth_value(id, 2), lag(id), lead(qty, 2, -1)
SELECT id, $f OVER (PARTITION BY item ORDER BY at, id) FROM orders ORDER BY id;
SELECT id, $f OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM orders ORDER BY id;
SELECT id, $f OVER (ORDER BY qty, id GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM orders;
-- once
SELECT id, sum(price) OVER (ORDER BY at RANGE BETWEEN interval '1 day' PRECEDING AND CURRENT ROW) FROM orders;
SELECT item, sum(qty), rank() OVER (ORDER BY sum(qty) DESC, item) FROM orders GROUP BY item;
SELECT * FROM (SELECT id, item, row_number() OVER (PARTITION BY item ORDER BY price DESC, id) AS n FROM orders) s WHERE n <= 2;
SELECT id, sum(qty) FILTER (WHERE price > 20) OVER (PARTITION BY person) FROM orders;
SELECT id, count(*) OVER () FROM people ORDER BY id LIMIT 4;
SELECT DISTINCT count(*) OVER (PARTITION BY mood) FROM people;
SELECT id, sum(qty) OVER w, avg(qty) OVER (w ROWS UNBOUNDED PRECEDING) FROM orders WINDOW w AS (PARTITION BY item ORDER BY id);
