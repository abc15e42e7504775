"""The `users.*`, `auth.*` and `api.*` methods of the simulated Slack's Web API."""

from typing import Final

from entrypoints.simulation.slack.models import JsonObject, User
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, SlackError, fail_if, paginate
from entrypoints.simulation.slack.workspace import TEAM_NAME, TEAM_URL


def info(call: MethodCall) -> JsonObject:
    """`users.info`: one user."""
    return {"user": _serialize(call, call.user())}


def list_all(call: MethodCall) -> JsonObject:
    """`users.list`: all users."""
    chosen, following = paginate(call, list(call.workspace.users.values()), default=1000)
    return {"members": [_serialize(call, user) for user in chosen], **following}


def look_up_by_email(call: MethodCall) -> JsonObject:
    """`users.lookupByEmail`: the user with this email address."""
    email = call.text("email")
    found = [user for user in call.workspace.users.values() if email and user.email == email]
    fail_if(not found, "users_not_found")
    return {"user": _serialize(call, found[0])}


def get_profile(call: MethodCall) -> JsonObject:
    """`users.profile.get`: the profile of a user, by default of the bot."""
    user = call.user() if call.text("user") else call.bot
    return {"profile": _serialize(call, user)["profile"]}


def get_presence(call: MethodCall) -> JsonObject:
    """`users.getPresence`: whether a user, by default the bot, is there: always."""
    is_own = call.text("user") in ("", call.bot.user_id)
    own = {"online": True, "auto_away": False, "manual_away": False, "connection_count": 1} if is_own else {}
    fail_if(not is_own and call.text("user") not in call.workspace.users, "user_not_found")
    return {"presence": "active", **own}


def test_auth(call: MethodCall) -> JsonObject:
    """`auth.test`: the owner of the token."""
    return {
        "url": TEAM_URL,
        "team": TEAM_NAME,
        "user": call.bot.name,
        "team_id": call.workspace.team_id,
        "user_id": call.bot.user_id,
        "bot_id": call.bot.bot_id,
        "is_enterprise_install": False,
    }


def test_api(call: MethodCall) -> JsonObject:
    """`api.test`: the arguments, as an error if one of them is `error`."""
    if call.text("error"):
        raise SlackError(call.text("error"), args=call.arguments)
    return {"args": call.arguments}


METHODS: Final = {
    "users.info": Method(info, 4, ("users:read",)),
    "users.list": Method(list_all, 2, ("users:read",)),
    "users.lookupByEmail": Method(look_up_by_email, 3, ("users:read.email",)),
    "users.profile.get": Method(get_profile, 4, ("users.profile:read", "users:read")),
    "users.getPresence": Method(get_presence, 3, ("users:read",)),
    "auth.test": Method(test_auth),
    "api.test": Method(test_api, 4, token=""),
}


def _serialize(call: MethodCall, user: User) -> JsonObject:
    with_email = call.access.is_classic or "users:read.email" in call.access.scopes
    return user.as_json(call.workspace.team_id, with_email=with_email)
