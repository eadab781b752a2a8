-- A statement runs in its backend alone. No rows.
--
-- Parallel workers hand over rows as they have them: in another order each time.
SET LOCAL max_parallel_workers_per_gather = 0
