-- For the shell, which waits for about a second: nothing is to run on.
BEGIN READ ONLY;
SET LOCAL statement_timeout = '1s';
SET LOCAL lock_timeout = '100ms'
