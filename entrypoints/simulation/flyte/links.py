"""The links in the responses of a simulated Flyte, built from the request's host as the server does."""

from collections.abc import Mapping, Sequence

from aiohttp import web

from entrypoints.simulation.flyte.models import Pack

Link = dict[str, str]

_INDEX = (("/", "self"), ("/swagger#/info", "help"), ("/v1", "/swagger#!/info/v1"))
_VERSION = (
    ("/v1", "self"),
    ("/", "up"),
    ("/swagger#!/info/v1", "help"),
    ("/health", "/swagger#!/info/health"),
    ("/v1/packs", "/swagger#!/pack/listPacks"),
    ("/v1/flows", "/swagger#!/flow/listFlows"),
    ("/v1/datastore", "/swagger#!/datastore/listDatastoreItems"),
    ("/v1/audit/flows", "/swagger#!/flowAudit/findFlows"),
    ("/v1/swagger", "/swagger"),
)
_TAKE_ACTION = "/swagger#!/action/takeAction"


class Links:
    """Builds the links for one request. `public_url` replaces the request's host, as behind a misconfigured proxy."""

    __slots__ = ("_base",)

    def __init__(self, request: web.Request, public_url: str | None) -> None:
        headers = request.headers
        scheme = headers.get("X-Forwarded-Proto") or "http"
        host = headers.get("X-Flyte-Host") or headers.get("X-Forwarded-Host") or request.host
        self._base = public_url or f"{scheme}://{host}"

    def index(self) -> list[Link]:
        """Returns the links of `/`."""
        return [self._link(*pair) for pair in _INDEX]

    def version(self) -> list[Link]:
        """Returns the links of `/v1`, which every pack starts from."""
        return [self._link(*pair) for pair in _VERSION]

    def pack(self, pack: Pack) -> list[Link]:
        """Returns the links of a pack: its own, then those for taking actions and sending events."""
        own = pack.definition.get("links")
        path = self.pack_path(pack.id)
        return [
            *(own if isinstance(own, list) else []),
            self._link(path, "self"),
            self._link("/v1/packs", "up"),
            self._link(f"{path}/actions/take", _TAKE_ACTION),
            self._link(f"{path}/events", "/swagger#/event"),
        ]

    def commands(self, pack: Pack) -> list[Mapping[str, object]]:
        """Returns a pack's commands, each with its link."""
        commands = pack.definition.get("commands")
        take = f"{self.pack_path(pack.id)}/actions/take?commandName="
        return [
            {**command, "links": [self._link(take + command.get("name", ""), _TAKE_ACTION)]}
            for command in (commands if isinstance(commands, list) else [])
        ]

    def result(self, pack: Pack, action_id: str) -> Link:
        """Returns the link for the result of an action."""
        return self._link(f"{self.pack_path(pack.id)}/actions/{action_id}/result", "/swagger#/actionResult")

    def listing(self, path: str, help_path: str) -> list[Link]:
        """Returns the links of a list."""
        return [self._link(path, "self"), self._link("/v1", "up"), self._link(help_path, "help")]

    def self_link(self, path: str) -> list[Link]:
        """Returns the link of a resource to itself."""
        return [self._link(path, "self")]

    def url(self, path: str) -> str:
        """Returns the URL of a path."""
        return f"{self._base}{path}"

    @staticmethod
    def pack_path(pack_id: str) -> str:
        """Returns the path of a pack, with its id unescaped, as the server writes it."""
        return f"/v1/packs/{pack_id}"

    def _link(self, path: str, relation: str) -> Link:
        return {"href": self.url(path), "rel": self.url(relation) if relation.startswith("/") else relation}


def action_of(result_link: str) -> str:
    """Returns the id of the action that a result link belongs to."""
    return result_link.split("/")[-2]


def is_reserved(links: Sequence[Mapping[str, str]]) -> bool:
    """Whether one of a pack's links has a relation reserved for the server."""
    relations = [link.get("rel", "") for link in links]
    endings = ("/actionResult", "/takeAction", "/event")
    return any("up" in relation or "self" in relation or relation.endswith(endings) for relation in relations)
