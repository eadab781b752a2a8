-- Pins how values are written, independent of session, role and database settings, because
-- readers of the file have other settings. No rows.
--
-- The same settings as pg_dump. With DateStyle 'SQL, DMY', 2020-03-05 was written 05/03/2020,
-- which a database with the default reads as May 3. ISO keeps the input order of dates, so
-- date literals in the statement keep their meaning. (The exception is an interval with one
-- sign for several fields, '-1 2:00', where sql_standard is set: no style writes like the one
-- and reads like the other.) From version 12 on, any extra_float_digits above 0 gives the
-- shortest text that round-trips; before, that takes 3. bytea_output 'escape' writes \xdead
-- as \336\255, and quote_all_identifiers writes the regclass pg_class as "pg_class".
--
-- Not pinned: TimeZone, because a timestamptz includes its offset, and now()::date in the
-- statement would be another day; lc_monetary, because it makes 12345 $123.45 or ¥12,345. The
-- manifest records both. Results of functions, such as to_char() under lc_numeric or
-- xmlelement() under xmlbinary, are part of the answer itself.
SET LOCAL DateStyle = 'ISO';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL extra_float_digits = 3;
SET LOCAL bytea_output = 'hex';
SET LOCAL quote_all_identifiers = off
