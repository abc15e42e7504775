"""Checks Slack: whether it responds, accepts the tokens, and lets the bot into the channels to join."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from datetime import datetime
from typing import Final, TypeVar

from adapters.http.session import proxy_for
from adapters.slack.chat import SlackChat
from adapters.slack.diagnostics import SlackDiagnostics, TokenReport
from adapters.slack.web_client import SlackWebClient
from application.ports.clock import Clock
from domain.channels import ChannelId
from domain.errors import ChatError, ChatRejected, RateLimited, Unreachable
from domain.users import Identity
from entrypoints.check.clock_skew import ClockSkews
from entrypoints.check.findings import Finding, Status, all_skipped, failed, ok, problem, skipped, warning
from entrypoints.check.memberships import MEMBERSHIPS, check_memberships
from entrypoints.check.scopes import SCOPES, check_scopes
from entrypoints.check.sockets import APP_TOKEN, RTM, SOCKET, check_socket, remedy_for
from entrypoints.check.storage_place import Looking
from entrypoints.config.settings import ReceiveMode, Settings

T = TypeVar("T")

API = "slack api"
TOKEN = "slack token"  # noqa: S105 - the name of a check
EVENTS = "slack events"
OWNER = "storage owner"

_COPY: Final = (
    "api.slack.com/apps > your app > OAuth & Permissions > Bot User OAuth Token > Copy, and set FLYTE_SLACK_TOKEN to it"
)
_REINSTALL: Final = "api.slack.com/apps > your app > Install App > Reinstall to Workspace > Allow; then " + _COPY
_TOKEN_REMEDIES: Final = {
    "account_inactive": _REINSTALL,
    "token_revoked": _REINSTALL,
    "token_expired": "api.slack.com/apps > your app > OAuth & Permissions: leave token rotation off, which the pack "
    "does not support; then " + _REINSTALL,
}
_SUBSCRIBE: Final = (
    "if no messages arrive: api.slack.com/apps > your app > Event Subscriptions > Enable Events On > Subscribe to bot "
    "events > Add Bot User Event > message.channels and the others in the manifest > Save Changes"
)
_SLACK: Final = "https://slack.com/api/"
_NOT_CHECKED: Final = "the token could not be checked"
_VARIABLE: Final = "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"


async def check_slack(
    settings: Settings, clock: Clock, skews: ClockSkews, looking: Looking, request_seconds: float
) -> AsyncGenerator[Finding, None]:
    """Checks everything but signed HTTP requests, with hardly more than three requests one after the other."""
    web = SlackWebClient(settings.slack_api_url, settings.slack_token.reveal(), timeout_seconds=request_seconds)
    async with web.open():
        slack = SlackDiagnostics(web, clock)
        time, token = await asyncio.gather(_result(slack.server_time()), _result(slack.token()))
        reached = _assess_reach(time, settings)
        yield reached
        if reached.status is Status.FAILED:
            for finding in all_skipped(_dependent_checks(settings), "Slack is unreachable"):
                yield finding
            return
        skews.record("Slack", time if isinstance(time, datetime) else None)
        yield _assess_token(token)
        report = token if isinstance(token, TokenReport) else None
        for finding in check_scopes(report.scopes, settings) if report else all_skipped([SCOPES], _NOT_CHECKED):
            yield finding
        identity = report.identity if report else None
        receiving, channels, memberships = await asyncio.gather(
            _check_receiving(slack, settings, identity, request_seconds),
            _check_channels(slack, settings, identity),
            _check_memberships(SlackChat(web), looking, identity),
        )
        for finding in (*receiving, *channels, memberships):
            yield finding
        if identity and any(owner := (await looking).owner):
            yield _assess_owner(owner, identity)


async def _result(request: Awaitable[T]) -> T | ChatError:
    try:
        return await request
    except ChatError as error:
        return error


def _assess_reach(time: datetime | ChatError | None, settings: Settings) -> Finding:
    url = settings.slack_api_url
    proxy = proxy_for(url)
    if isinstance(time, Unreachable):
        path = "the proxy that HTTPS_PROXY names" if proxy else "the firewall, or set HTTPS_PROXY"
        allow = f"allow connections from this machine to {url} through {path}; and see slack-status.com"
        remedy = allow if url == _SLACK else "start the server at that address, or correct FLYTE_SLACK_API_URL"
        return failed(API, f"{url}: {time.explanation.partition('; ')[0]}", remedy)
    return ok(API, f"{url} responds{', through a proxy' if proxy else ''}")


def _assess_token(token: TokenReport | ChatError) -> Finding:
    match token:
        case TokenReport(identity) if not identity.bot_id:
            return warning(TOKEN, "Slack accepts the token but names no bot; it may be a user token", _COPY)
        case TokenReport(identity):
            return ok(TOKEN, f"bot @{token.bot_name} ({identity.user_id}) in workspace {token.team_name}")
        case RateLimited():
            return warning(TOKEN, str(token), "run the check again after that time")
        case ChatRejected():
            remedy = remedy_for(token, _TOKEN_REMEDIES.get(token.code, _COPY))
            return failed(TOKEN, problem(token), remedy, ends_start=True)
        case _:
            return failed(TOKEN, problem(token), "run the check again; see slack-status.com")


def _assess_owner(owner: tuple[str, str], identity: Identity) -> Finding:
    """`owner` has the ids of the workspace and of the bot that the storage belongs to."""
    team_id, bot_id = owner
    if owner == (identity.team_id, identity.bot_id):
        return ok(OWNER, f"the storage belongs to this bot, {bot_id} of workspace {team_id}")
    message = f"the storage belongs to another bot, {bot_id} of workspace {team_id}"
    remedy = "set FLYTE_SLACK_TOKEN to that bot's token, or FLYTE_SLACK_STORAGE to another database"
    return failed(OWNER, message, remedy, ends_start=True)


def _dependent_checks(settings: Settings) -> list[str]:
    """Returns the checks that need a reachable Slack."""
    sockets = {ReceiveMode.SOCKET_MODE: [APP_TOKEN, SOCKET], ReceiveMode.RTM: [RTM, SOCKET], ReceiveMode.HTTP: []}
    channels = map(_channel_check, settings.default_join_channels)
    return [TOKEN, SCOPES, *sockets[settings.receive_mode], *channels, MEMBERSHIPS]


async def _check_receiving(
    slack: SlackDiagnostics, settings: Settings, identity: Identity | None, seconds: float
) -> list[Finding]:
    if settings.receive_mode is ReceiveMode.RTM:
        if identity is None:
            return list(all_skipped((RTM, SOCKET), _NOT_CHECKED))
        return await check_socket(RTM, slack.rtm(), seconds)
    events = skipped(EVENTS, "Slack can't list the events that the app subscribes to", _SUBSCRIBE)
    if settings.slack_app_token is None:
        return [events]
    socket = slack.socket_mode(settings.slack_app_token.reveal(), identity or Identity("", ""))
    return [*await check_socket(APP_TOKEN, socket, seconds), events]


async def _check_channels(slack: SlackDiagnostics, settings: Settings, identity: Identity | None) -> list[Finding]:
    channels = settings.default_join_channels
    if identity is None:
        return list(all_skipped(map(_channel_check, channels), _NOT_CHECKED))
    return await asyncio.gather(*(_check_channel(slack, channel_id) for channel_id in channels))


async def _check_memberships(chat: SlackChat, looking: Looking, identity: Identity | None) -> Finding:
    return skipped(MEMBERSHIPS, _NOT_CHECKED) if identity is None else await check_memberships(chat, await looking)


async def _check_channel(slack: SlackDiagnostics, channel_id: ChannelId) -> Finding:
    check = _channel_check(channel_id)
    try:
        channel = await slack.channel(channel_id)
    except ChatRejected as error:
        return _assess_rejection(check, error, channel_id)
    except ChatError as error:
        return skipped(check, str(error))
    if channel.is_archived:
        remedy = f"in Slack: #{channel.name} > its name > Settings > Unarchive channel, or remove it from {_VARIABLE}"
        return failed(check, f"#{channel.name} is archived", remedy)
    membership = "the bot is a member" if channel.is_member else "the bot is not a member; the pack joins at startup"
    return ok(check, f"#{channel.name}: {membership}")


def _assess_rejection(check: str, error: ChatRejected, channel_id: ChannelId) -> Finding:
    if error.code == "missing_scope":
        return skipped(check, problem(error))
    remedy = (
        f"compare {_VARIABLE} with the id at the bottom of the channel's details in Slack (click the channel's name); "
        "if the channel is private, /invite the bot there"
    )
    return failed(check, f"{error.code}: the bot sees no channel {channel_id}", remedy)


def _channel_check(channel_id: ChannelId) -> str:
    return f"slack channel {channel_id}"
