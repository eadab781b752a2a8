-- Has names looked up in the shard, in the messages of a task. Left out where the shard is a whole
-- database: its own path, with pg_temp last, is set since session_settings.sql.
SET LOCAL search_path TO {search_path}
