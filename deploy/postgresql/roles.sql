-- The roles of the pack, for psql, connected to the pack's database as a superuser:
--   psql --set=owner_password=... --set=pack_password=... --file=roles.sql
--
-- flyte_slack_owner owns the tables, and is needed at upgrades only. flyte_slack runs packs and flyte-slack's commands.
CREATE ROLE flyte_slack_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE flyte_slack LOGIN PASSWORD :'pack_password';

CREATE SCHEMA flyte_slack AUTHORIZATION flyte_slack_owner;
GRANT USAGE ON SCHEMA flyte_slack TO flyte_slack;

-- Rights to all tables and sequences that flyte_slack_owner will create.
ALTER DEFAULT PRIVILEGES FOR ROLE flyte_slack_owner IN SCHEMA flyte_slack
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO flyte_slack;
ALTER DEFAULT PRIVILEGES FOR ROLE flyte_slack_owner IN SCHEMA flyte_slack
  GRANT USAGE ON SEQUENCES TO flyte_slack;
