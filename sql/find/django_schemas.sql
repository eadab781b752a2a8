-- The schemas of django-tenants' tenants. `public` holds what all of them share.
SELECT schema_name FROM public.customers_client
WHERE schema_name OPERATOR(pg_catalog.<>) 'public' ORDER BY schema_name
