"""Read-only diagnostics of Flyte: reachability, health and registered packs."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from yarl import URL

from adapters.flyte import errors, links
from adapters.flyte.audit_schemas import parse_time
from adapters.flyte.http_client import FlyteHttpClient
from adapters.flyte.schemas import parse_body
from adapters.serialization.json_codec import replace_surrogates_deep
from domain.json_values import Json


@dataclass(frozen=True, slots=True)
class ApiReport:
    """The response at the root of Flyte's API."""

    content: Json
    url: URL
    server_time: datetime | None
    """None if the response does not tell."""


@dataclass(frozen=True, slots=True)
class ApiLinks:
    """The links to follow."""

    packs: URL
    health: URL | None
    """None if Flyte has none."""


@dataclass(frozen=True, slots=True)
class KnownPack:
    """A pack that has registered with Flyte."""

    id: str
    name: str
    last_seen: datetime | None


class FlyteDiagnostics:
    """Queries Flyte with GET requests, within `open`."""

    def __init__(self, api_url: str, *, jwt: str, timeout_seconds: float) -> None:
        self._client = FlyteHttpClient(api_url, jwt=jwt, timeout_seconds=timeout_seconds)

    def open(self) -> AbstractAsyncContextManager[None]:
        """Holds the HTTP session of all requests."""
        return self._client.open()

    @property
    def url(self) -> str:
        """The URL of Flyte's API, without secrets."""
        return errors.redact(self._client.root)

    async def api(self) -> ApiReport:
        """Returns the response at the root. Raises WorkflowUnauthorized or another WorkflowError."""
        response = await self._client.get(self._client.root)
        return ApiReport(parse_body(response), self._client.root, response.server_time)

    def links(self, api: ApiReport) -> ApiLinks:
        """Returns the links. Raises NotFlyte if they are missing or lead to another origin."""
        packs = links.require_link(api.content, links.PACKS, api.url)
        health = links.find_link(api.content, links.HEALTH, api.url)
        for link in filter(None, (packs, health)):
            self._client.require_same_origin(link)
        return ApiLinks(packs, health)

    async def health(self, link: URL) -> None:
        """Raises WorkflowError unless Flyte reports that it is healthy."""
        response = await self._client.get(link)
        if response.status != HTTPStatus.OK:
            raise errors.unexpected_response(response)

    async def packs(self, link: URL) -> list[KnownPack]:
        """Returns the registered packs. Raises WorkflowError."""
        listed = replace_surrogates_deep(parse_body(await self._client.get(link)))
        packs = listed.get("packs") if isinstance(listed, dict) else None
        if not isinstance(packs, list):
            raise errors.not_flyte(link, "its response has no list of packs")
        return [pack for each in packs if (pack := _known_pack(each)) is not None]


def pack_id(name: str, labels: Mapping[str, str]) -> str:
    """Returns Flyte's id of the pack with this name and these labels."""
    return name + "".join(f".{key}.{labels[key]}" for key in sorted(labels))


def _known_pack(value: Json) -> KnownPack | None:
    fields = value if isinstance(value, dict) else {}
    identity, name = fields.get("id"), fields.get("name")
    if not isinstance(identity, str) or not isinstance(name, str):
        return None
    return KnownPack(identity, name, parse_time(fields.get("lastSeen")))
