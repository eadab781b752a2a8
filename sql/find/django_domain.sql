-- The schema of a tenant by its domain, in django-tenants. The tables' names are those of its
-- documentation, where the app is `customers`.
SELECT c.schema_name
FROM public.customers_domain AS d
JOIN public.customers_client AS c ON c.id OPERATOR(pg_catalog.=) d.tenant_id
WHERE d.domain OPERATOR(pg_catalog.=) $1
