"""What a check asks Flyte: whether it is there and well, and which packs it knows. Nothing is registered: GET only."""

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
    """What Flyte says at its root."""

    content: Json
    url: URL
    server_time: datetime | None
    """By Flyte's clock; None where it does not tell."""


@dataclass(frozen=True, slots=True)
class ApiLinks:
    """Where Flyte leads."""

    packs: URL
    health: URL | None
    """None where Flyte offers none."""


@dataclass(frozen=True, slots=True)
class KnownPack:
    """A pack that registered with Flyte at some time."""

    id: str
    name: str
    last_seen: datetime | None


class FlyteDiagnostics:
    """Asks Flyte, for the time of `open`."""

    def __init__(self, api_url: str, *, jwt: str, timeout_seconds: float) -> None:
        self._connection = FlyteHttpClient(api_url, jwt=jwt, timeout_seconds=timeout_seconds)

    def open(self) -> AbstractAsyncContextManager[None]:
        """Hold the HTTP session."""
        return self._connection.open()

    @property
    def url(self) -> str:
        """Where Flyte is asked first, fit to be shown."""
        return errors.redact(self._connection.root)

    async def api(self) -> ApiReport:
        """What is at the root. NotAuthorised, or another WorkflowError."""
        response = await self._connection.get(self._connection.root)
        return ApiReport(parse_body(response), self._connection.root, response.server_time)

    def links(self, api: ApiReport) -> ApiLinks:
        """The links to be walked. WorkflowUnreachable when there are none, or they lead out of Flyte's origin."""
        packs = links.require_link(api.content, links.PACKS, api.url)
        health = links.find_link(api.content, links.HEALTH, api.url)
        for link in filter(None, (packs, health)):
            self._connection.require_same_origin(link)
        return ApiLinks(packs, health)

    async def health(self, link: URL) -> None:
        """Return when Flyte says that it is well; WorkflowError when not."""
        response = await self._connection.get(link)
        if response.status != HTTPStatus.OK:
            raise errors.unexpected_response(response)

    async def packs(self, link: URL) -> list[KnownPack]:
        """The packs that Flyte knows. WorkflowError."""
        listed = replace_surrogates_deep(parse_body(await self._connection.get(link)))
        packs = listed.get("packs") if isinstance(listed, dict) else None
        if not isinstance(packs, list):
            raise errors.not_flyte(link, "its answer has no list of packs")
        return [pack for each in packs if (pack := _known_pack(each)) is not None]


def pack_id(name: str, labels: Mapping[str, str]) -> str:
    """The id under which Flyte keeps a pack of this name and these labels."""
    return name + "".join(f".{key}.{labels[key]}" for key in sorted(labels))


def _known_pack(value: Json) -> KnownPack | None:
    fields = value if isinstance(value, dict) else {}
    identity, name = fields.get("id"), fields.get("name")
    if not isinstance(identity, str) or not isinstance(name, str):
        return None
    return KnownPack(identity, name, parse_time(fields.get("lastSeen")))
