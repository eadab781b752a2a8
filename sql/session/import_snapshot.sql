-- Imports an exported snapshot. Returns no rows.
SET TRANSACTION SNAPSHOT {snapshot}
