-- Where a global query looks for what is not sharded. No rows.
SET LOCAL search_path TO {search_path}
