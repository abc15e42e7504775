"""The links in the answers of a simulated Flyte: built from the host that the request names, as the server does."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from aiohttp import web

from entrypoints.simulation.flyte.models import Pack

Link = dict[str, str]


class Links:
    """Builds the links for one request; `public_url` replaces what the request says, as a proxy set up wrongly does."""

    __slots__ = ("_base",)

    def __init__(self, request: web.Request, public_url: str | None) -> None:
        headers = request.headers
        scheme = headers.get("X-Forwarded-Proto") or "http"
        host = headers.get("X-Flyte-Host") or headers.get("X-Forwarded-Host") or request.host
        self._base = public_url or f"{scheme}://{host}"

    def index(self) -> list[Link]:
        """The links of `/`."""
        return [
            self._link("/", "self"),
            self._link("/swagger#/info", "help"),
            self._link("/v1", self._url("/swagger#!/info/v1")),
        ]

    def version(self) -> list[Link]:
        """The links of `/v1`, where every pack begins."""
        return [
            self._link("/v1", "self"),
            self._link("/", "up"),
            self._link("/swagger#!/info/v1", "help"),
            self._link("/health", self._url("/swagger#!/info/health")),
            self._link("/v1/packs", self._url("/swagger#!/pack/listPacks")),
            self._link("/v1/flows", self._url("/swagger#!/flow/listFlows")),
            self._link("/v1/datastore", self._url("/swagger#!/datastore/listDatastoreItems")),
            self._link("/v1/audit/flows", self._url("/swagger#!/flowAudit/findFlows")),
            self._link("/v1/swagger", self._url("/swagger")),
        ]

    def pack(self, pack: Pack) -> list[Link]:
        """The links of a pack: its own first, then where it takes actions and sends events."""
        own = pack.definition.get("links")
        path = self.pack_path(pack.id)
        return [
            *(own if isinstance(own, list) else []),
            self._link(path, "self"),
            self._link("/v1/packs", "up"),
            self._link(f"{path}/actions/take", self._url("/swagger#!/action/takeAction")),
            self._link(f"{path}/events", self._url("/swagger#/event")),
        ]

    def commands(self, pack: Pack) -> list[Mapping[str, object]]:
        """A pack's commands, each with a link of its own."""
        commands = pack.definition.get("commands")
        take = f"{self.pack_path(pack.id)}/actions/take"
        return [
            {
                **command,
                "links": [
                    self._link(
                        f"{take}?commandName={command.get('name', '')}", self._url("/swagger#!/action/takeAction")
                    )
                ],
            }
            for command in (commands if isinstance(commands, list) else [])
        ]

    def result(self, pack: Pack, action_id: str) -> Link:
        """The link that an action is answered at."""
        return self._link(f"{self.pack_path(pack.id)}/actions/{action_id}/result", self._url("/swagger#/actionResult"))

    def listing(self, path: str, rel_of_help: str) -> list[Link]:
        """The links of a list."""
        parent = path.rpartition("/")[0]
        return [self._link(path, "self"), self._link(parent, "up"), self._link(rel_of_help, "help")]

    def self_link(self, path: str) -> list[Link]:
        """The link of a thing to itself."""
        return [self._link(path, "self")]

    def url(self, path: str) -> str:
        """A path with the server's address before it."""
        return self._url(path)

    @staticmethod
    def pack_path(pack_id: str) -> str:
        """The path of a pack."""
        return f"/v1/packs/{quote(pack_id, safe='=')}"

    def _link(self, path: str, rel: str) -> Link:
        return {"href": self._url(path), "rel": rel}

    def _url(self, path: str) -> str:
        return f"{self._base}{path}"


def is_reserved(links: Sequence[Mapping[str, str]]) -> bool:
    """Whether one of a pack's links has a relation that the server keeps for its own."""
    rels = [link.get("rel", "") for link in links]
    ends = ("/actionResult", "/takeAction", "/event")
    return any("up" in rel or "self" in rel or rel.endswith(ends) for rel in rels)
