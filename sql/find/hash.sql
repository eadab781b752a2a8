-- The hash of a key, as a hash index of the column's type computes it.
pg_catalog.{function}({key}::{type})
