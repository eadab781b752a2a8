-- Makes sequential scans start at the beginning of the table. No rows.
--
-- Otherwise a scan of a large table starts where another one currently is, and the order of
-- rows differs each time.
SET LOCAL synchronize_seqscans = off
