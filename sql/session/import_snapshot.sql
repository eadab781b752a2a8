-- Reads at an exported snapshot. No rows.
SET TRANSACTION SNAPSHOT {snapshot}
