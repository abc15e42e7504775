"""The methods of the simulated Slack's Web API about the workspace and its apps."""

from typing import Final

from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, fail_if
from entrypoints.simulation.slack.workspace import TEAM_DOMAIN, TEAM_NAME, TEAM_URL


def team_info(call: MethodCall) -> JsonObject:
    """`team.info`: the workspace."""
    fail_if(call.text("team") not in ("", call.workspace.team_id), "team_not_found")
    names = {"id": call.workspace.team_id, "name": TEAM_NAME, "domain": TEAM_DOMAIN, "url": TEAM_URL}
    return {"team": {**names, "email_domain": "example.com", "icon": {"image_default": True}}}


def bot_info(call: MethodCall) -> JsonObject:
    """`bots.info`: the bot of the app itself, the only one with an entry."""
    fail_if(call.text("bot") not in ("", call.bot.bot_id), "bot_not_found")
    return {"bot": call.workspace.bot_as_json()}


def emoji_list(call: MethodCall) -> JsonObject:
    """`emoji.list`: the workspace's own emoji."""
    return {"emoji": dict(call.workspace.emoji), "cache_ts": call.workspace.next_ts()}


def usergroups_list(call: MethodCall) -> JsonObject:
    """`usergroups.list`: the user groups, of which the workspace has none."""
    del call
    return {"usergroups": []}


METHODS: Final = {
    "team.info": Method(team_info, 3, ("team:read",)),
    "bots.info": Method(bot_info, 3, ("users:read",)),
    "emoji.list": Method(emoji_list, 2, ("emoji:read",)),
    "usergroups.list": Method(usergroups_list, 2, ("usergroups:read",)),
}
