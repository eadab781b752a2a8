-- Somebody waits for a completion for about a second: nothing is to run on. No rows.
SET LOCAL statement_timeout = '1s';
SET LOCAL lock_timeout = '100ms'
