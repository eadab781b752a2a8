-- Which database the hub is, as the views on the servers state it: one text.
SELECT pg_catalog.concat(
    pg_catalog.current_database(), ' of cluster ',
    (SELECT system_identifier FROM pg_catalog.pg_control_system()))
