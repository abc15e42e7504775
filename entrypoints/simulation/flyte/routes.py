"""What a simulated Flyte answers to requests, with the statuses and oddities of the server."""

import json
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from entrypoints.simulation.flyte import schemas
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import Heard
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from entrypoints.simulation.flyte.links import Links
from entrypoints.simulation.flyte.models import Pack
from entrypoints.simulation.flyte.state import Finish, FlyteWorld

JSON = "application/json; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"
BODY_LIMIT = 16 * 1024 * 1024
_AUDIT_LIMIT = 50

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Dropped(web.Response):
    """Not an answer: the connection is to be closed without one."""


class Given(web.Response):
    """An action, on its way to a pack."""

    def __init__(self, body: bytes, action_id: str) -> None:
        super().__init__(body=body, headers={"Content-Type": JSON})
        self.action_id = action_id


class FlyteRoutes:
    """The server's handlers; `hear` is told of everything that flows have to run for, after the world knows it."""

    def __init__(self, world: FlyteWorld, hear: Callable[[Heard], None], public_url: str | None) -> None:
        self._world = world
        self._hear = hear
        self._public_url = public_url

    def table(self) -> list[tuple[str, str, str, Handler]]:
        """Name, method, path and handler of every route."""
        pack = "/v1/packs/{pack_id}"
        return [
            ("api", "GET", "/", self._index),
            ("api", "GET", "/v1", self._version),
            ("health", "GET", "/health", self._health),
            ("packs", "GET", "/v1/packs", self._packs),
            ("register", "POST", "/v1/packs", self._register),
            ("packs", "GET", pack, self._pack),
            ("packs", "DELETE", pack, self._delete_pack),
            ("take", "POST", f"{pack}/actions/take", self._take),
            ("result", "POST", f"{pack}/actions/{{action_id}}/result", self._result),
            ("event", "POST", f"{pack}/events", self._event),
            ("flows", "GET", "/v1/flows", self._flows),
            ("flows", "POST", "/v1/flows", self._add_flow),
            ("flows", "GET", "/v1/flows/{name}", self._flow),
            ("flows", "DELETE", "/v1/flows/{name}", self._delete_flow),
            ("datastore", "GET", "/v1/datastore/{key}", self._datastore_item),
            ("audit", "GET", "/v1/audit/flows", self._audit),
            ("audit", "GET", "/v1/audit/flows/{run_id}", self._audited_run),
        ]

    async def _index(self, request: web.Request) -> web.Response:
        return _json({"links": self._links(request).index()})

    async def _version(self, request: web.Request) -> web.Response:
        return _json({"links": self._links(request).version()})

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _packs(self, request: web.Request) -> web.Response:
        links = self._links(request)
        packs = [
            {
                "id": pack.id,
                "name": pack.name,
                **({"labels": dict(pack.labels)} if pack.labels else {}),
                "lastSeen": self._world.last_seen[pack.id].isoformat(),
                "links": links.own(links.pack_path(pack.id)),
                "status": "live",
            }
            for pack in self._world.packs.values()
        ]
        return _json({"links": links.listing("/v1/packs", "/swagger#/pack"), "packs": packs})

    async def _register(self, request: web.Request) -> web.Response:
        try:
            pack = schemas.read_pack(await self._decoded(request))
        except schemas.BodyRefusedError:
            return web.Response(status=400)
        self._world.register(pack)
        links = self._links(request)
        body = schemas.pack_body(pack, links, self._world.last_seen[pack.id])
        # The server sets the type after the status, which is too late: what arrives is text/plain.
        headers = {"Location": links.url(links.pack_path(pack.id)), "Content-Type": PLAIN}
        return web.Response(status=201, body=json.dumps(body).encode(), headers=headers)

    async def _pack(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        return _json(schemas.pack_body(pack, self._links(request), self._world.last_seen[pack.id]))

    async def _delete_pack(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        del self._world.packs[pack.id]
        return web.Response(status=204)

    async def _take(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        self._world.seen(pack)
        action = self._world.take(pack, request.query.get("actionName", ""))
        if action is None:
            return web.Response(status=204)
        return Given(schemas.action_body(action, self._links(request).result(pack, action.id)), action.id)

    async def _event(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        self._world.seen(pack)
        try:
            event = schemas.read_event(await self._decoded(request), pack)
        except schemas.BodyRefusedError:
            return web.Response(status=400)
        self._world.accept(event)
        self._hear(Heard(event))
        return web.Response(status=202)

    async def _result(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        self._world.seen(pack)
        try:
            event = schemas.read_event(await self._decoded(request), pack)
        except schemas.BodyRefusedError:
            return web.Response(status=400)
        action_id = request.match_info["action_id"]
        match self._world.finish(action_id, event):
            case Finish.UNKNOWN:
                return web.Response(status=404)
            case Finish.NOT_PENDING:
                return web.Response(status=500)
            case Finish.FOREIGN:
                # The server breaks over it, and the connection with it.
                return Dropped()
            case Finish.DONE:
                self._hear(Heard(event, action_id))
        return web.Response(status=202)

    async def _flows(self, request: web.Request) -> web.Response:
        links = self._links(request)
        flows = [
            {
                "name": flow.name,
                "description": flow.description,
                "links": links.own(f"/v1/flows/{flow.name}"),
            }
            for flow in self._world.flows.values()
        ]
        return _json({"links": links.listing("/v1/flows", "/swagger#/flow"), "flows": flows})

    async def _add_flow(self, request: web.Request) -> web.Response:
        try:
            document = await self._decoded(request)
        except schemas.BodyRefusedError:
            return web.Response(status=400 if request.content_type == schemas.YAML else 500)
        try:
            flow = flow_from_values(document, "posted flow")
        except InvalidDocument as error:
            # The server's body is empty; the reason here is for the people who use the simulation.
            return web.Response(status=500, text=str(error))
        self._world.add_flow(flow)
        return web.Response(status=201, headers={"Location": self._links(request).url(f"/v1/flows/{flow.name}")})

    async def _flow(self, request: web.Request) -> web.Response:
        flow = self._world.flows.get(request.match_info["name"])
        if flow is None:
            return web.Response(status=404)
        return _json({**flow.source, "links": self._links(request).own(f"/v1/flows/{flow.name}")})

    async def _delete_flow(self, request: web.Request) -> web.Response:
        return web.Response(status=204 if self._world.remove_flow(request.match_info["name"]) else 404)

    async def _datastore_item(self, request: web.Request) -> web.Response:
        items = self._world.surroundings.datastore
        key = request.match_info["key"]
        return _json(items[key]) if key in items else web.Response(status=404)

    async def _audit(self, request: web.Request) -> web.Response:
        query = request.query
        runs = [
            run for run in self._world.runs() if any(_suits(schemas.audit_fields(action), query) for action in run.made)
        ]
        start, limit = _number(query.get("start"), 0), _number(query.get("limit"), _AUDIT_LIMIT)
        links = self._links(request)
        page = [schemas.run_body(run, links) for run in runs[start : start + limit]]
        return _json({"flows": page, "links": links.listing("/v1/audit/flows", "/swagger#/flowExecs")})

    async def _audited_run(self, request: web.Request) -> web.Response:
        run = self._world.run(request.match_info["run_id"])
        return web.Response(status=404) if run is None else _json(schemas.run_body(run, self._links(request)))

    def _links(self, request: web.Request) -> Links:
        return Links(request, self._public_url)

    def _known_pack(self, request: web.Request) -> Pack | None:
        return self._world.packs.get(request.match_info["pack_id"])

    @staticmethod
    async def _decoded(request: web.Request) -> object:
        return schemas.decoded(await request.read(), request.content_type)


def _json(body: object) -> web.Response:
    return web.Response(body=json.dumps(body).encode(), headers={"Content-Type": JSON})


def _suits(fields: Mapping[str, str], query: Mapping[str, str]) -> bool:
    return all(not query.get(key) or query[key] == value for key, value in fields.items())


def _number(written: str | None, default: int) -> int:
    return int(written) if written and written.isascii() and written.isdigit() else default
