"""What a simulated Flyte answers to requests, with the statuses and oddities of the server."""

import json
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from entrypoints.simulation.flyte import schemas
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import PendingEvent
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from entrypoints.simulation.flyte.links import Links
from entrypoints.simulation.flyte.models import Pack
from entrypoints.simulation.flyte.state import Completion, FlyteState

JSON = "application/json; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"
BODY_LIMIT = 16 * 1024 * 1024
_AUDIT_LIMIT = 50

Handler = Callable[[web.Request], Awaitable[web.Response]]


class NoResponse(web.Response):
    """Not an answer: the connection is to be closed without one."""


class ActionResponse(web.Response):
    """An action, on its way to a pack."""

    def __init__(self, body: bytes, action_id: str) -> None:
        super().__init__(body=body, headers={"Content-Type": JSON})
        self.action_id = action_id


class FlyteRoutes:
    """The server's handlers; `hear` is told of everything that flows have to run for, after the state knows it."""

    def __init__(self, state: FlyteState, hear: Callable[[PendingEvent], None], public_url: str | None) -> None:
        self._state = state
        self._schedule_flows = hear
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
                "lastSeen": self._state.last_seen[pack.id].isoformat(),
                "links": links.self_link(links.pack_path(pack.id)),
                "status": "live",
            }
            for pack in self._state.packs.values()
        ]
        return _json({"links": links.listing("/v1/packs", "/swagger#/pack"), "packs": packs})

    async def _register(self, request: web.Request) -> web.Response:
        try:
            pack = schemas.read_pack(await self._decoded(request))
        except schemas.InvalidBody:
            return web.Response(status=400)
        self._state.register(pack)
        links = self._links(request)
        body = schemas.pack_body(pack, links, self._state.last_seen[pack.id])
        # The server sets the type after the status, which is too late: what arrives is text/plain.
        headers = {"Location": links.url(links.pack_path(pack.id)), "Content-Type": PLAIN}
        return web.Response(status=201, body=json.dumps(body).encode(), headers=headers)

    async def _pack(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        return _json(schemas.pack_body(pack, self._links(request), self._state.last_seen[pack.id]))

    async def _delete_pack(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        del self._state.packs[pack.id]
        return web.Response(status=204)

    async def _take(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        self._state.mark_alive(pack)
        action = self._state.take(pack, request.query.get("actionName", ""))
        if action is None:
            return web.Response(status=204)
        return ActionResponse(schemas.action_body(action, self._links(request).result(pack, action.id)), action.id)

    async def _event(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        self._state.mark_alive(pack)
        try:
            event = schemas.read_event(await self._decoded(request), pack)
        except schemas.InvalidBody:
            return web.Response(status=400)
        self._state.record_event(event)
        self._schedule_flows(PendingEvent(event))
        return web.Response(status=202)

    async def _result(self, request: web.Request) -> web.Response:
        pack = self._known_pack(request)
        if pack is None:
            return web.Response(status=404)
        self._state.mark_alive(pack)
        try:
            event = schemas.read_event(await self._decoded(request), pack)
        except schemas.InvalidBody:
            return web.Response(status=400)
        action_id = request.match_info["action_id"]
        match self._state.complete(action_id, event):
            case Completion.UNKNOWN:
                return web.Response(status=404)
            case Completion.NOT_PENDING:
                return web.Response(status=500)
            case Completion.FOREIGN:
                # The server breaks over it, and the connection with it.
                return NoResponse()
            case Completion.DONE:
                self._schedule_flows(PendingEvent(event, action_id))
        return web.Response(status=202)

    async def _flows(self, request: web.Request) -> web.Response:
        links = self._links(request)
        flows = [
            {
                "name": flow.name,
                "description": flow.description,
                "links": links.self_link(f"/v1/flows/{flow.name}"),
            }
            for flow in self._state.flows.values()
        ]
        return _json({"links": links.listing("/v1/flows", "/swagger#/flow"), "flows": flows})

    async def _add_flow(self, request: web.Request) -> web.Response:
        try:
            document = await self._decoded(request)
        except schemas.InvalidBody:
            return web.Response(status=400 if request.content_type == schemas.YAML else 500)
        try:
            flow = flow_from_values(document, "posted flow")
        except InvalidDocument as error:
            # The server's body is empty; the reason here is for the people who use the simulation.
            return web.Response(status=500, text=str(error))
        self._state.add_flow(flow)
        return web.Response(status=201, headers={"Location": self._links(request).url(f"/v1/flows/{flow.name}")})

    async def _flow(self, request: web.Request) -> web.Response:
        flow = self._state.flows.get(request.match_info["name"])
        if flow is None:
            return web.Response(status=404)
        return _json({**flow.source, "links": self._links(request).self_link(f"/v1/flows/{flow.name}")})

    async def _delete_flow(self, request: web.Request) -> web.Response:
        return web.Response(status=204 if self._state.remove_flow(request.match_info["name"]) else 404)

    async def _datastore_item(self, request: web.Request) -> web.Response:
        items = self._state.environment.datastore
        key = request.match_info["key"]
        return _json(items[key]) if key in items else web.Response(status=404)

    async def _audit(self, request: web.Request) -> web.Response:
        query = request.query
        runs = [
            run
            for run in self._state.runs()
            if any(_matches(schemas.audit_fields(action), query) for action in run.actions)
        ]
        start, limit = _parse_count(query.get("start"), 0), _parse_count(query.get("limit"), _AUDIT_LIMIT)
        links = self._links(request)
        page = [schemas.run_body(run, links) for run in runs[start : start + limit]]
        return _json({"flows": page, "links": links.listing("/v1/audit/flows", "/swagger#/flowExecs")})

    async def _audited_run(self, request: web.Request) -> web.Response:
        run = self._state.run(request.match_info["run_id"])
        return web.Response(status=404) if run is None else _json(schemas.run_body(run, self._links(request)))

    def _links(self, request: web.Request) -> Links:
        return Links(request, self._public_url)

    def _known_pack(self, request: web.Request) -> Pack | None:
        return self._state.packs.get(request.match_info["pack_id"])

    @staticmethod
    async def _decoded(request: web.Request) -> object:
        return schemas.decode(await request.read(), request.content_type)


def _json(body: object) -> web.Response:
    return web.Response(body=json.dumps(body).encode(), headers={"Content-Type": JSON})


def _matches(fields: Mapping[str, str], query: Mapping[str, str]) -> bool:
    return all(not query.get(key) or query[key] == value for key, value in fields.items())


def _parse_count(written: str | None, default: int) -> int:
    return int(written) if written and written.isascii() and written.isdigit() else default
