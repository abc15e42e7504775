#!/bin/sh
# Runs a command of the pack as its systemd service runs: as the same user, in the same directory, with the same
# settings and secrets. Install it for root, who alone can read the secrets:
#
#   install -m 755 deploy/flyte-slack.sh /usr/local/sbin/flyte-slack
#
# For RTM, remove the two lines with app-token; for signed HTTP requests, write signing-secret and
# FLYTE_SLACK_SIGNING_SECRET_FILE in their place. One command runs at a time: the paths of the secrets have the unit's
# name.
exec systemd-run --quiet --pipe --wait --collect --unit=flyte-slack-command \
    --property=DynamicUser=yes --property=User=flyte-slack --property=UMask=0077 \
    --property=StateDirectory=flyte-slack --property=StateDirectoryMode=0700 \
    --property=EnvironmentFile=/etc/flyte-slack/environment \
    --property=LoadCredential=token:/etc/flyte-slack/token \
    --setenv=FLYTE_SLACK_TOKEN_FILE=/run/credentials/flyte-slack-command.service/token \
    --property=LoadCredential=app-token:/etc/flyte-slack/app-token \
    --setenv=FLYTE_SLACK_APP_TOKEN_FILE=/run/credentials/flyte-slack-command.service/app-token \
    --setenv=FLYTE_SLACK_BACKUP_DIR=/var/lib/flyte-slack/pack \
    /opt/flyte-slack/bin/flyte-slack "$@"
