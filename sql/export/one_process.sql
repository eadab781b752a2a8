-- Turns off parallel workers, which return rows in a different order each time. No rows.
SET LOCAL max_parallel_workers_per_gather = 0
