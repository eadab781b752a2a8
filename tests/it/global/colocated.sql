-- Rows that belong together have the same id or shard, and so are in the same shard.
-- with $j in JOIN, INNER JOIN, LEFT JOIN, LEFT OUTER JOIN
SELECT count(*), count(o.id), sum(o.price), var_samp(n.i4) FROM numbers n $j orders o ON o.id = n.id;
SELECT n.grp, count(DISTINCT o.item), max(o.at) FROM numbers n $j orders o ON n.id = o.id AND o.qty > 3 GROUP BY n.grp ORDER BY n.grp;
SELECT grp, qty, count(*) FROM numbers $j orders USING (id) WHERE b IS NOT TRUE GROUP BY grp, qty HAVING count(*) > 1;
SELECT id, name, item FROM people $j orders USING (id) ORDER BY id DESC LIMIT 9 OFFSET 2;
SELECT * FROM nodes p $j scales AS o ON o.id = p.id AND o.grp > 2 ORDER BY p.label DESC, p.id LIMIT 12;
SELECT n.grp, o.qty, p.boss, count(*) FROM numbers n $j orders o ON o.id = n.id $j people p ON p.id = o.id GROUP BY 1, 2, 3;
SELECT o.id AS x, n.id AS y, count(*) FROM numbers n $j orders o ON o.id = n.id AND o.qty % 2 = 0 GROUP BY o.id, n.id ORDER BY x, y LIMIT 30;
SELECT a.boss, b.boss, count(b.id) FROM people a $j people b ON a.id = b.id AND b.boss > 4 GROUP BY a.boss, b.boss;
SELECT a.id, b.id FROM people a $j people b ON a.id = b.id AND b.boss > 4 GROUP BY a.id, b.id ORDER BY a.id, b.id NULLS FIRST;
SELECT count(*) FROM people a $j nodes b USING (id) $j events c ON c.id = b.id AND left(a.name, 8) = left(a.name, 8);
SELECT n.grp, o.grp, count(*) FROM numbers n $j scales o ON n.id = o.id AND n.grp = o.grp GROUP BY o.grp, n.grp;
SELECT n.id FROM numbers n $j scales o ON n.id = o.id ORDER BY o.id DESC NULLS LAST, n.id LIMIT 9;
SELECT upper(t.t), count(*) FROM texts t $j people p ON p.id = t.id AND t.t LIKE '%a%' GROUP BY upper(t.t);
SELECT count(*) FROM numbers n $j orders o ON o.id = n.id WHERE o.id IS NULL OR n.b;
