"""Slack: whether it is there, takes the tokens, and knows the channels to join."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime
from typing import Final

from adapters.http.session import proxy_for
from adapters.slack.diagnostics import SlackDiagnostics, TokenReport
from adapters.slack.web_client import SlackWebClient
from application.ports.clock import Clock
from domain.channels import ChannelId
from domain.errors import ChatError, ChatRejected, RateLimited, Unreachable
from domain.users import Identity
from entrypoints.check.clock_skew import ClockSkews
from entrypoints.check.findings import Finding, Status, all_skipped, failed, ok, problem, skipped, warning
from entrypoints.check.scopes import SCOPES, check_scopes
from entrypoints.check.sockets import APP_TOKEN, RTM, SOCKET, check_rtm, check_socket_mode
from entrypoints.config.settings import ReceiveMode, Settings

API = "slack api"
TOKEN = "slack token"  # noqa: S105 - the name of a check
EVENTS = "slack events"

_COPY = (
    "api.slack.com/apps > your app > OAuth & Permissions > Bot User OAuth Token > Copy, "
    "and set FLYTE_SLACK_TOKEN to what was copied"
)
_INSTALL_AGAIN = "api.slack.com/apps > your app > Install App > Reinstall to Workspace > Allow; then " + _COPY
_TOKEN_REMEDIES: Final = {
    "account_inactive": _INSTALL_AGAIN,
    "token_revoked": _INSTALL_AGAIN,
    "token_expired": "api.slack.com/apps > your app > OAuth & Permissions: leave token rotation off, which the pack "
    "does not take part in; then " + _INSTALL_AGAIN,
}
_SUBSCRIBE: Final = (
    "if messages don't arrive: api.slack.com/apps > your app > Event Subscriptions > Enable Events On > Subscribe to "
    "bot events > Add Bot User Event > message.channels and the others of the manifest > Save Changes"
)
_SLACK: Final = "https://slack.com/api/"
_NOT_CHECKED: Final = "the token could not be looked at"
_VARIABLE: Final = "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL"
_RECHECK: Final = "run the check again after that time"


async def check_slack(
    settings: Settings, clock: Clock, skews: ClockSkews, request_seconds: float
) -> AsyncGenerator[Finding, None]:
    """All about Slack but its way to the pack by HTTP: three requests at most, one after the other."""
    web = SlackWebClient(settings.slack_api_url, settings.slack_token.reveal(), timeout_seconds=request_seconds)
    async with web.open():
        inspection = SlackDiagnostics(web, clock)
        time, token = await asyncio.gather(_server_time(inspection), _token(inspection))
        reached = _assess_reach(time, settings)
        yield reached
        if reached.status is Status.FAILED:
            for finding in all_skipped(_dependent_checks(settings), "Slack can't be reached"):
                yield finding
            return
        skews.record("Slack", time if isinstance(time, datetime) else None)
        yield _assess_token(token)
        for finding in _assess_scopes(token):
            yield finding
        identity = token.identity if isinstance(token, TokenReport) else None
        receiving, channels = await asyncio.gather(
            _receiving(inspection, settings, identity, request_seconds), _channels(inspection, settings, identity)
        )
        for finding in (*receiving, *channels):
            yield finding


async def _server_time(inspection: SlackDiagnostics) -> datetime | ChatError | None:
    try:
        return await inspection.server_time()
    except ChatError as error:
        return error


async def _token(inspection: SlackDiagnostics) -> TokenReport | ChatError:
    try:
        return await inspection.token()
    except ChatError as error:
        return error


def _assess_reach(time: datetime | ChatError | None, settings: Settings) -> Finding:
    url = settings.slack_api_url
    proxy = proxy_for(url)
    if isinstance(time, Unreachable):
        way = "the proxy that HTTPS_PROXY names" if proxy else "the firewall, or set HTTPS_PROXY"
        ours = f"let this machine reach {url} through {way}; and see slack-status.com"
        mend = ours if url == _SLACK else "start what should answer there, or correct FLYTE_SLACK_API_URL"
        return failed(API, f"{url} does not answer as Slack does: {problem(time)}", mend)
    return ok(API, f"{url} answers{', by way of a proxy' if proxy else ''}")


def _assess_token(token: TokenReport | ChatError) -> Finding:
    match token:
        case TokenReport(identity) if not identity.bot_id:
            return warning(TOKEN, "Slack takes the token, and names no bot: is it a person's?", _COPY)
        case TokenReport(identity):
            return ok(TOKEN, f"of the bot @{token.bot_name} ({identity.user_id}) in {token.team_name}")
        case RateLimited():
            return warning(TOKEN, str(token), _RECHECK)
        case ChatRejected():
            return failed(TOKEN, problem(token), _TOKEN_REMEDIES.get(token.code, _COPY))
        case _:
            return failed(TOKEN, problem(token), "run the check again; see slack-status.com")


def _assess_scopes(token: TokenReport | ChatError) -> Iterator[Finding]:
    if isinstance(token, TokenReport):
        return check_scopes(token.scopes)
    return all_skipped([SCOPES], _NOT_CHECKED)


def _dependent_checks(settings: Settings) -> list[str]:
    """What can't be looked at without Slack."""
    by_way = {ReceiveMode.SOCKET_MODE: [APP_TOKEN, SOCKET], ReceiveMode.RTM: [RTM, SOCKET]}
    return [TOKEN, SCOPES, *by_way.get(settings.receive_mode, []), *map(_channel_check, settings.default_join_channels)]


async def _receiving(
    inspection: SlackDiagnostics, settings: Settings, identity: Identity | None, seconds: float
) -> list[Finding]:
    if settings.receive_mode is ReceiveMode.RTM:
        if identity is None:
            return list(all_skipped((RTM, SOCKET), _NOT_CHECKED))
        return await check_rtm(inspection.rtm(), seconds)
    events = skipped(EVENTS, "Slack does not tell which events the app subscribes to", _SUBSCRIBE)
    if settings.slack_app_token is None:
        return [events]
    socket = inspection.socket_mode(settings.slack_app_token.reveal(), identity or Identity("", ""))
    return [*await check_socket_mode(socket, seconds), events]


async def _channels(inspection: SlackDiagnostics, settings: Settings, identity: Identity | None) -> list[Finding]:
    channels = settings.default_join_channels
    if identity is None:
        return list(all_skipped(map(_channel_check, channels), _NOT_CHECKED))
    return await asyncio.gather(*(_channel(inspection, channel_id) for channel_id in channels))


async def _channel(inspection: SlackDiagnostics, channel_id: ChannelId) -> Finding:
    check = _channel_check(channel_id)
    try:
        channel = await inspection.channel(channel_id)
    except ChatRejected as refusal:
        return _assess_rejection(check, refusal, channel_id)
    except ChatError as error:
        return skipped(check, str(error))
    if channel.is_archived:
        mend = f"in Slack: #{channel.name} > its name > Settings > Unarchive channel, or take it out of " + _VARIABLE
        return failed(check, f"#{channel.name} is archived", mend)
    state = "the bot is a member" if channel.is_member else "the bot is no member yet; the start will join it"
    return ok(check, f"#{channel.name}: {state}")


def _assess_rejection(check: str, refusal: ChatRejected, channel_id: ChannelId) -> Finding:
    if refusal.code == "missing_scope":
        return skipped(check, problem(refusal))
    mend = (
        f"compare {_VARIABLE} with the id at the bottom of the channel's details in Slack (click on the channel's "
        "name); when it is private: /invite the bot there"
    )
    return failed(check, f"{refusal.code}: the bot can see no channel {channel_id}", mend)


def _channel_check(channel_id: ChannelId) -> str:
    return f"slack channel {channel_id}"
