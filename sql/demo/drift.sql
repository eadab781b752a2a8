-- Lets shard_84 of the sample database differ, as after a migration that stopped half-way and an
-- index that somebody created by hand.
ALTER TABLE shard_84.origins ALTER COLUMN default_package_visibility DROP NOT NULL;
DROP TABLE shard_84.origin_integrations CASCADE;
CREATE INDEX by_owner ON shard_84.origins (owner_id);
