-- A table is read from its beginning. No rows.
--
-- Else a scan of a large one begins where another's happens to be, and its rows come
-- in another order each time.
SET LOCAL synchronize_seqscans = off
