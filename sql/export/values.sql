-- How an export's values are written, whatever the session, the role or the database
-- has set: whoever reads the file has other settings. No rows.
--
-- As pg_dump does it. With DateStyle 'SQL, DMY', 2020-03-05 was written 05/03/2020, which
-- a database with the default takes for the third of May. ISO leaves the order in which
-- dates are read, so that those in the statement mean what they did. (An interval with
-- one sign in front of several fields, '-1 2:00', does not where sql_standard is set:
-- there is no style that writes as the one and reads as the other.) From version 12 on,
-- any extra_float_digits above 0 gives the shortest text that is the number itself;
-- before, that takes 3. bytea_output 'escape' writes \xdead as \336\255, and
-- quote_all_identifiers writes the regclass pg_class as "pg_class".
--
-- Left as they are: TimeZone, since a timestamptz says its offset, and the statement's
-- now()::date would be another day; lc_monetary, since with it 12345 is $123.45 or ¥12,345.
-- A manifest records both. What a function of the statement returns, as to_char() under
-- lc_numeric or xmlelement() under xmlbinary, is the answer itself.
SET LOCAL DateStyle = 'ISO';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL extra_float_digits = 3;
SET LOCAL bytea_output = 'hex';
SET LOCAL quote_all_identifiers = off
