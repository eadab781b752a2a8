-- Joins that say themselves that they are within a shard.
-- with $j in JOIN, LEFT JOIN
SELECT count(*), count(DISTINCT o.item), sum(n.i4), variance(o.price) FROM numbers n $j orders o ON o.shard = n.shard AND o.qty = n.grp;
SELECT n.shard, count(*), count(o.id) FROM nodes n $j orders o ON n.shard = o.shard AND o.person = n.parent GROUP BY n.shard ORDER BY n.shard;
SELECT shard, count(*), count(qty) FROM nodes $j orders USING (shard) WHERE nodes.id < 20 GROUP BY shard;
SELECT a.id, b.id, c.id FROM people a $j orders b ON a.shard = b.shard AND a.id = b.person $j nodes c ON b.shard = c.shard AND c.id % 7 = b.qty ORDER BY 1, 2, 3 LIMIT 40;
SELECT a.id, b.id FROM people a $j orders b ON a.id = b.person AND b.shard = a.shard ORDER BY b.id DESC, a.id LIMIT 30;
SELECT count(*), count(b.id) FROM people a $j orders b ON a.id = b.person OR a.shard = b.shard;
SELECT count(*), count(b.id) FROM people a $j orders b ON a.id = b.person;
SELECT count(*), count(b.id) FROM people a $j people b ON a.boss = b.id WHERE a.shard = b.shard;
SELECT count(*), count(b.id) FROM people a $j orders b ON a.id = b.person AND NOT a.shard = b.shard;
SELECT count(*), count(o.id) FROM own a $j orders o ON o.shard = a.shard;
