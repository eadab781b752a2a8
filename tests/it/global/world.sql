-- What is not sharded: types, collations, and tables of public.
CREATE COLLATION public.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN public.positive AS int CHECK (value > 0);
CREATE TABLE public.currencies (code text PRIMARY KEY, rate numeric);
INSERT INTO public.currencies VALUES ('EUR', 1), ('USD', 1.08), ('CZK', 25.3);
CREATE FUNCTION public.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
