"""Checks Flyte: whether it responds, grants access and is healthy, and which packs of this name are registered."""

from collections.abc import AsyncGenerator, Iterable
from datetime import datetime, timedelta
from typing import Final

from yarl import URL

from adapters.flyte.diagnostics import FlyteDiagnostics, KnownPack, pack_id
from adapters.flyte.errors import redact
from adapters.http.session import proxy_for
from application.ports.clock import Clock
from domain.errors import WorkflowError, WorkflowUnauthorized
from entrypoints.check.clock_skew import ClockSkews
from entrypoints.check.findings import Finding, all_skipped, failed, ok, problem, skipped, warning
from entrypoints.check.http_port import Running
from entrypoints.check.jwt import jwt_expiry
from entrypoints.check.storage_place import Looking
from entrypoints.config.settings import Settings

API = "flyte api"
ACCESS = "flyte access"
LINKS = "flyte links"
HEALTH = "flyte health"
PACK = "flyte pack"

_RECENT: Final = timedelta(seconds=60)
"""A running pack is seen every second or so."""
_EXPIRES_SOON: Final = timedelta(days=7)
_NEW_JWT: Final = "ask Flyte's administrators for a JWT for this pack, and set FLYTE_JWT to it"
_SEE_FLYTE_LOG: Final = "read Flyte's own log; most often its database is unreachable"
_SET_FORWARDED: Final = (
    "let the proxy before Flyte pass X-Forwarded-Host and X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Host "
    "$host; proxy_set_header X-Forwarded-Proto $scheme;), or set FLYTE_API to the address that the links lead to"
)


async def check_flyte(
    settings: Settings, clock: Clock, skews: ClockSkews, running: Running, looking: Looking, request_seconds: float
) -> AsyncGenerator[Finding, None]:
    """Checks Flyte with at most three requests, one after the other. Registers nothing."""
    jwt = settings.flyte_jwt.reveal() if settings.flyte_jwt else ""
    flyte = FlyteDiagnostics(settings.flyte_api, jwt=jwt, timeout_seconds=request_seconds)
    responds = ok(API, f"{flyte.url} responds{', through a proxy' if proxy_for(flyte.url) else ''}")
    async with flyte.open():
        try:
            api = await flyte.api()
        except WorkflowUnauthorized as error:
            denied = _access_denied(error, jwt, clock)
            for finding in (responds, denied, *all_skipped((LINKS, HEALTH, PACK), "Flyte denies access")):
                yield finding
            return
        except WorkflowError as error:
            yield failed(API, problem(error), _reach_remedy(flyte.url))
            for finding in all_skipped((ACCESS, LINKS, HEALTH, PACK), "Flyte does not respond"):
                yield finding
            return
        skews.record("Flyte", api.server_time)
        yield responds
        yield _access_granted(jwt, clock)
        try:
            links = flyte.links(api)
        except WorkflowError as error:
            yield failed(LINKS, problem(error), _SET_FORWARDED)
            for finding in all_skipped((HEALTH, PACK), "Flyte's links can't be followed"):
                yield finding
            return
        yield ok(LINKS, f"they lead to {redact(links.packs.origin())}")
        yield await _check_health(flyte, links.health)
        yield await _check_packs(flyte, links.packs, settings, clock, running, looking)


def _reach_remedy(url: str) -> str:
    proxy = f"; requests use a proxy (add {URL(url).host} to NO_PROXY if they should not)" if proxy_for(url) else ""
    return f"start Flyte, or correct FLYTE_API{proxy}"


def _access_denied(error: WorkflowUnauthorized, jwt: str, clock: Clock) -> Finding:
    response = str(error).partition(": ")[0]
    if not jwt:
        return failed(ACCESS, f"{response}: Flyte requires a JWT, and FLYTE_JWT is not set", _NEW_JWT)
    expiry = jwt_expiry(jwt)
    expired = f" (it expired at {_format_time(expiry)})" if expiry and expiry <= clock.now() else ""
    return failed(ACCESS, f"{response}: Flyte rejects FLYTE_JWT{expired}", f"{_NEW_JWT}, without `Bearer` before it")


def _access_granted(jwt: str, clock: Clock) -> Finding:
    if not jwt:
        return ok(ACCESS, "Flyte requires no JWT for these requests")
    expiry = jwt_expiry(jwt)
    if expiry and expiry <= clock.now() + _EXPIRES_SOON:
        message = f"Flyte accepts the JWT, which expires at {_format_time(expiry)}"
        return warning(ACCESS, message, f"{_NEW_JWT}; then restart the pack")
    return ok(ACCESS, "Flyte accepts the JWT for these requests")


async def _check_health(flyte: FlyteDiagnostics, link: URL | None) -> Finding:
    if link is None:
        return skipped(HEALTH, "Flyte provides no link to its health")
    try:
        await flyte.health(link)
    except WorkflowUnauthorized:
        return skipped(HEALTH, "Flyte denies access to it")
    except WorkflowError as error:
        return failed(HEALTH, problem(error), _SEE_FLYTE_LOG)
    return ok(HEALTH, "Flyte reports that it is healthy")


async def _check_packs(
    flyte: FlyteDiagnostics, link: URL, settings: Settings, clock: Clock, running: Running, looking: Looking
) -> Finding:
    try:
        packs = await flyte.packs(link)
    except WorkflowUnauthorized:
        return skipped(PACK, "Flyte denies access to the list of packs")
    except WorkflowError as error:
        return failed(PACK, problem(error), _SEE_FLYTE_LOG)
    own_id = pack_id(settings.pack_name, settings.flyte_labels)
    others = _list_packs([pack for pack in packs if pack.name == settings.pack_name and pack.id != own_id], clock)
    own = next((pack for pack in packs if pack.id == own_id), None)
    if own is None:
        return ok(PACK, f"{own_id} is not registered yet; the pack registers at startup{others}")
    place = "on this machine" if await running else "on the same storage" if (await looking).has_replicas else ""
    return _assess_registered(own, clock, place, others)


def _assess_registered(pack: KnownPack, clock: Clock, place: str, others: str) -> Finding:
    """`place` says where this pack is known to be running; empty if it is not."""
    seen = f"last seen {_format_age(pack.last_seen, clock)}"
    if place:
        return ok(PACK, f"{pack.id} is registered and running {place}, {seen}{others}")
    if pack.last_seen is None or clock.now() - pack.last_seen > _RECENT:
        return ok(PACK, f"{pack.id} is registered by an earlier run or an older pack, {seen}{others}")
    return failed(
        PACK,
        f"another pack with this name is running: {pack.id} is registered, {seen}. Each would get half of the actions",
        "stop the other pack (if you just did, run the check again in a minute), or give this one a different name "
        "(PACK_NAME) or different labels (FLYTE_LABELS)",
    )


def _list_packs(packs: Iterable[KnownPack], clock: Clock) -> str:
    listed = ", ".join(f"{pack.id} (seen {_format_age(pack.last_seen, clock)})" for pack in packs)
    return f"; the same name with other labels: {listed}" if listed else ""


def _format_age(time: datetime | None, clock: Clock) -> str:
    if time is None:
        return "at an unknown time"
    seconds = max(0, round((clock.now() - time).total_seconds()))
    return f"{seconds} s ago" if seconds <= 2 * _RECENT.total_seconds() else _format_time(time)


def _format_time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S %Z}"
