-- Joins along a foreign key of every shard.
-- with $j in JOIN, LEFT JOIN
SELECT count(*), count(c.id), sum(c.n), var_pop(p.id), count(DISTINCT p.name) FROM parents p $j children c ON c.parent = p.id;
SELECT p.name, count(*), max(c.id) FROM children c $j parents p ON c.parent = p.id AND p.grp > 1 GROUP BY p.name ORDER BY p.name;
SELECT c.id, d.id, grp FROM children c $j children d ON c.parent = d.parent AND d.n > 20 $j parents ON d.parent = parents.id ORDER BY c.id, d.id, grp LIMIT 50;
SELECT a.grp, count(b.name) FROM parents a $j parents b ON b.id = a.id AND b.grp % 2 = 0 WHERE a.id < 100 GROUP BY a.grp;
