-- How an export's values are written, whatever the session, the role or the database
-- has set: whoever reads the file has other settings. No rows.
--
-- As pg_dump does it. With DateStyle 'SQL, DMY', 2020-03-05 was written 05/03/2020, which
-- a database with the default takes for the third of May. ISO leaves the order in which
-- dates are read, so that those in the statement mean what they did. (An interval with
-- one sign in front of several fields, '-1 2:00', does not where sql_standard is set:
-- there is no style that writes as the one and reads as the other.) From version 12 on,
-- any extra_float_digits above 0 gives the shortest text that is the number itself;
-- before, that takes 3.
SET LOCAL DateStyle = 'ISO';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL extra_float_digits = 3
