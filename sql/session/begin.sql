-- Opens the one transaction that a connection spends on a run. No rows.
BEGIN ISOLATION LEVEL {isolation} READ ONLY
