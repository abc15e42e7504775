#!/bin/sh
# Creates the pack's roles. PostgreSQL's image runs it once, when it creates the database.
set -eu
psql --set=ON_ERROR_STOP=1 --no-psqlrc --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
  --set=owner_password="$(cat /run/secrets/owner-password)" \
  --set=pack_password="$(cat /run/secrets/pack-password)" \
  --file=/roles.sql
