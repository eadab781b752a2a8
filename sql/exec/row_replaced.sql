-- Whether this row of a catalog, which the snapshot shows, was deleted or replaced by a transaction
-- that committed after the snapshot. Its xmax is the lower half of that transaction's number.
-- txid_status() takes the whole number, which is within 2^31 of the snapshot's: the difference
-- modulo 2^32, between -2^31 and 2^31, added to that.
CASE WHEN {row}.xmax::pg_catalog.text OPERATOR(pg_catalog.<>) '0' THEN (
    SELECT pg_catalog.txid_status(now OPERATOR(pg_catalog.-) 2147483648 OPERATOR(pg_catalog.+) (
        ((({row}.xmax::pg_catalog.text::pg_catalog.int8 OPERATOR(pg_catalog.-) now)
            OPERATOR(pg_catalog.%) 4294967296) OPERATOR(pg_catalog.+) 6442450944)
        OPERATOR(pg_catalog.%) 4294967296)) OPERATOR(pg_catalog.=) 'committed'
    FROM pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) AS now)
ELSE FALSE END
