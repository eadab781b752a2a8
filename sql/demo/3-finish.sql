-- The sample database, part 3 of 3: what was only needed to make it goes, and
-- the planner learns what is there.

SET client_min_messages = warning;
DROP SCHEMA demo CASCADE;
RESET client_min_messages;

ANALYZE;
