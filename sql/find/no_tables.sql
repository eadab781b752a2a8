-- No row: keys of this kind are in no table.
SELECT NULL, NULL, false, true WHERE false
