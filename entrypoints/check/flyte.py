"""Flyte: whether it is there, lets the pack in, is well, and which packs of this name it knows."""

from collections.abc import AsyncGenerator, Iterable
from datetime import datetime, timedelta
from typing import Final

from yarl import URL

from adapters.flyte.diagnostics import ApiLinks, ApiReport, FlyteDiagnostics, KnownPack, pack_id
from adapters.flyte.errors import redact
from adapters.http.session import proxy_for
from application.ports.clock import Clock
from domain.errors import WorkflowError, WorkflowUnauthorized
from entrypoints.check.clock_skew import ClockSkews
from entrypoints.check.findings import Finding, all_skipped, failed, ok, problem, skipped, warning
from entrypoints.check.http_port import Running
from entrypoints.check.jwt import Jwt
from entrypoints.config.settings import Settings

API = "flyte api"
ACCESS = "flyte access"
LINKS = "flyte links"
HEALTH = "flyte health"
PACK = "flyte pack"

_RECENT: Final = timedelta(seconds=60)
"""A pack at work is seen every second or so."""
_SEE_FLYTE_LOG: Final = "look into Flyte's own log; most often its database is out of reach"
_LINKS_REMEDY: Final = (
    "let the proxy before Flyte pass X-Forwarded-Host and X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Host "
    "$host; proxy_set_header X-Forwarded-Proto $scheme;), or set FLYTE_API to the address that the links lead to"
)


async def check_flyte(
    settings: Settings, clock: Clock, skews: ClockSkews, running: Running, request_seconds: float
) -> AsyncGenerator[Finding, None]:
    """All about Flyte, by three requests at most, one after the other. Nothing is registered."""
    jwt = Jwt(settings.flyte_jwt.reveal() if settings.flyte_jwt else "")
    flyte = FlyteDiagnostics(settings.flyte_api, jwt=jwt.text, timeout_seconds=request_seconds)
    async with flyte.open():
        api, findings = await _check_api(flyte, jwt, clock)
        for finding in findings:
            yield finding
        if api is None:
            return
        skews.record("Flyte", api.server_time)
        links, finding = _check_links(flyte, api)
        yield finding
        if links is None:
            for finding in all_skipped((HEALTH, PACK), "Flyte's links can't be walked"):
                yield finding
            return
        yield await _check_health(flyte, links.health)
        yield await _check_packs(flyte, links.packs, settings, clock, running)


async def _check_api(flyte: FlyteDiagnostics, jwt: Jwt, clock: Clock) -> tuple[ApiReport | None, list[Finding]]:
    answers = ok(API, f"{flyte.url} answers{', by way of a proxy' if proxy_for(flyte.url) else ''}")
    try:
        api = await flyte.api()
    except WorkflowUnauthorized as error:
        refused = _access_denied(error, jwt, clock)
        return None, [answers, refused, *all_skipped((LINKS, HEALTH, PACK), "Flyte does not let the pack in")]
    except WorkflowError as error:
        silent = failed(API, problem(error), _reach_remedy(flyte.url))
        return None, [silent, *all_skipped((ACCESS, LINKS, HEALTH, PACK), "Flyte does not answer")]
    return api, [answers, _access_granted(jwt, clock)]


def _access_denied(error: WorkflowUnauthorized, jwt: Jwt, clock: Clock) -> Finding:
    where = str(error).partition(": Flyte wants")[0]
    if not jwt.text:
        mend = "ask whoever runs Flyte for a JWT for this pack, and set FLYTE_JWT to it"
        return failed(ACCESS, f"{where}: Flyte wants a JWT, and FLYTE_JWT is not set", mend)
    expired = f" (it expired at {_format_time(jwt.expiry)})" if jwt.is_expired(clock.now()) else ""
    mend = "ask whoever runs Flyte for a new JWT for this pack, and set FLYTE_JWT to it, without `Bearer` before it"
    return failed(ACCESS, f"{where}: Flyte does not take the JWT in FLYTE_JWT{expired}", mend)


def _access_granted(jwt: Jwt, clock: Clock) -> Finding:
    if not jwt.text:
        return ok(ACCESS, "Flyte wants no JWT for what was asked")
    takes = "Flyte takes the JWT for what was asked"
    if jwt.expires_soon(clock.now()):
        mend = "ask whoever runs Flyte for a new JWT, set FLYTE_JWT to it, and start the pack again"
        return warning(ACCESS, f"{takes}; its time ends at {_format_time(jwt.expiry)}", mend)
    return ok(ACCESS, takes)


def _check_links(flyte: FlyteDiagnostics, api: ApiReport) -> tuple[ApiLinks | None, Finding]:
    try:
        links = flyte.links(api)
    except WorkflowError as error:
        return None, failed(LINKS, problem(error), _LINKS_REMEDY)
    return links, ok(LINKS, f"they lead to {redact(links.packs.origin())}")


async def _check_health(flyte: FlyteDiagnostics, link: URL | None) -> Finding:
    if link is None:
        return skipped(HEALTH, "Flyte offers no link to its health")
    try:
        await flyte.health(link)
    except WorkflowUnauthorized:
        return skipped(HEALTH, "Flyte does not let the pack ask for it")
    except WorkflowError as error:
        return failed(HEALTH, problem(error), _SEE_FLYTE_LOG)
    return ok(HEALTH, "Flyte says that it is well")


async def _check_packs(
    flyte: FlyteDiagnostics, link: URL, settings: Settings, clock: Clock, running: Running
) -> Finding:
    try:
        packs = await flyte.packs(link)
    except WorkflowUnauthorized:
        return skipped(PACK, "Flyte does not let the pack ask which packs there are")
    except WorkflowError as error:
        return failed(PACK, problem(error), _SEE_FLYTE_LOG)
    own_id = pack_id(settings.pack_name, settings.flyte_labels)
    beside = _list_namesakes([pack for pack in packs if pack.name == settings.pack_name and pack.id != own_id], clock)
    own = next((pack for pack in packs if pack.id == own_id), None)
    if own is None:
        return ok(PACK, f"{own_id} is not registered yet; the start will do it{beside}")
    return _assess_registered(own, clock, is_ours=await running is not None, beside=beside)


def _assess_registered(pack: KnownPack, clock: Clock, *, is_ours: bool, beside: str) -> Finding:
    seen = f"last seen {_ago(pack.last_seen, clock)}"
    if is_ours:
        return ok(PACK, f"{pack.id} is registered, {seen}: it runs on this machine{beside}")
    if pack.last_seen is None or clock.now() - pack.last_seen > _RECENT:
        return ok(PACK, f"{pack.id} is registered by an earlier start or an older pack, {seen}{beside}")
    return failed(
        PACK,
        f"another pack of this name is at work: {pack.id} is registered, {seen}. Each would get half of the actions",
        "stop that one (if that was just now, run the check again in a minute); or give this one a name of its own "
        "(PACK_NAME) or labels of its own (FLYTE_LABELS)",
    )


def _list_namesakes(packs: Iterable[KnownPack], clock: Clock) -> str:
    told = ", ".join(f"{pack.id} (seen {_ago(pack.last_seen, clock)})" for pack in packs)
    return f"; of this name with other labels: {told}" if told else ""


def _ago(time: datetime | None, clock: Clock) -> str:
    if time is None:
        return "at a time that Flyte does not tell"
    seconds = max(0, round((clock.now() - time).total_seconds()))
    return f"{seconds} s ago" if seconds <= 2 * _RECENT.total_seconds() else _format_time(time)


def _format_time(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S %Z}" if time else ""


def _reach_remedy(url: str) -> str:
    way = f"; requests go by a proxy (add {URL(url).host} to NO_PROXY if they should not)" if proxy_for(url) else ""
    return f"start Flyte, or set FLYTE_API to where it is{way}"
