-- The sample database, part 3 of 3: drops helper objects, and collects planner statistics.

SET client_min_messages = warning;
DROP SCHEMA demo CASCADE;
RESET client_min_messages;

ANALYZE;
