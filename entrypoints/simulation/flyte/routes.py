"""The routes of a simulated Flyte, with the statuses and quirks of the server."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from entrypoints.simulation.flyte import schemas
from entrypoints.simulation.flyte.datastore import DatastoreItem
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import SchemaViolation, posted_flow
from entrypoints.simulation.flyte.links import Link, Links
from entrypoints.simulation.flyte.models import Action, Pack
from entrypoints.simulation.flyte.state import Completion

BODY_LIMIT = 16 * 1024 * 1024
_JSON = "application/json; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"
_UNTYPED = "text/plain; charset=us-ascii"
_AUDIT_LIMIT = 50
_ONE_LINE = re.compile("[\r\n\0]")
"""Characters that a header can't have; like the server's own library, the simulation replaces each by a space."""
_COUNT = re.compile(r"[+-]?[0-9]{1,9}")
_RESULT_STATUSES = {Completion.DONE: 202, Completion.UNKNOWN: 404, Completion.NOT_PENDING: 500}

Handler = Callable[[web.Request], Awaitable[web.Response]]
PackHandler = Callable[[web.Request, Pack], Awaitable[web.Response]]


class NoResponse(web.Response):
    """Stands for closing the connection without a response."""


class ActionResponse(web.Response):
    """An action, as the response to `take`."""

    def __init__(self, action: Action, link: Link) -> None:
        super().__init__(body=schemas.action_body(action, link), headers={"Content-Type": _JSON})
        self.action = action


class FlyteRoutes:
    """The server's request handlers."""

    def __init__(self, engine: Flyte, public_url: str | None) -> None:
        self._engine = engine
        self._public_url = public_url

    def table(self) -> list[tuple[str, str, str, Handler]]:
        """Returns the name, method, path and handler of every route."""
        pack = "/v1/packs/{pack_id}"
        return [
            ("api", "GET", "/", self._index),
            ("api", "GET", "/v1", self._version),
            ("health", "GET", "/health", self._health),
            ("packs", "GET", "/v1/packs", self._packs),
            ("register", "POST", "/v1/packs", self._register),
            ("packs", "GET", pack, self._for_pack(self._pack)),
            ("packs", "DELETE", pack, self._for_pack(self._delete_pack)),
            ("take", "POST", f"{pack}/actions/take", self._for_pack(self._take)),
            ("result", "POST", f"{pack}/actions/{{action_id}}/result", self._for_pack(self._result)),
            ("event", "POST", f"{pack}/events", self._for_pack(self._event)),
            ("flows", "GET", "/v1/flows", self._flows),
            ("flows", "POST", "/v1/flows", self._add_flow),
            ("flows", "GET", "/v1/flows/{name}", self._flow),
            ("flows", "DELETE", "/v1/flows/{name}", self._delete_flow),
            ("datastore", "GET", "/v1/datastore", self._items),
            ("datastore", "GET", "/v1/datastore/{key}", self._item),
            ("datastore", "PUT", "/v1/datastore/{key}", self._put_item),
            ("datastore", "DELETE", "/v1/datastore/{key}", self._delete_item),
            ("audit", "GET", "/v1/audit/flows", self._audit),
            ("audit", "GET", "/v1/audit/flows/{run_id}", self._audited_run),
        ]

    def _for_pack(self, handler: PackHandler) -> Handler:
        """Finds the request's pack: 404 if it is not registered, and 400 for an invalid body."""

        async def handle(request: web.Request) -> web.Response:
            pack = self._engine.packs.get(request.match_info["pack_id"])
            if pack is None:
                return web.Response(status=404)
            try:
                return await handler(request, pack)
            except schemas.InvalidBody:
                return web.Response(status=400)

        return handle

    async def _index(self, request: web.Request) -> web.Response:
        return _json({"links": self._links(request).index()})

    async def _version(self, request: web.Request) -> web.Response:
        return _json({"links": self._links(request).version()})

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _packs(self, request: web.Request) -> web.Response:
        links, last_seen = self._links(request), self._engine.last_seen
        packs = [schemas.pack_summary(pack, links, last_seen[pack.id]) for pack in self._engine.packs.values()]
        return _json({"links": links.listing("/v1/packs", "/swagger#/pack"), "packs": packs})

    async def _register(self, request: web.Request) -> web.Response:
        try:
            pack = schemas.read_pack(await _decode(request))
        except schemas.InvalidBody:
            return web.Response(status=400)
        self._engine.register(pack)
        links = self._links(request)
        body = schemas.pack_body(pack, links, self._engine.last_seen[pack.id])
        # The server sets the content type after the status, which is too late: text/plain arrives.
        headers = {"Location": links.url(links.pack_path(pack.id)), "Content-Type": _PLAIN}
        return web.Response(status=201, body=json.dumps(body).encode(), headers=headers)

    async def _pack(self, request: web.Request, pack: Pack) -> web.Response:
        return _json(schemas.pack_body(pack, self._links(request), self._engine.last_seen[pack.id]))

    async def _delete_pack(self, _: web.Request, pack: Pack) -> web.Response:
        del self._engine.packs[pack.id]
        return web.Response(status=204)

    async def _take(self, request: web.Request, pack: Pack) -> web.Response:
        self._engine.mark_alive(pack)
        fields = {**request.query, **await request.post()}
        action = self._engine.take(pack, str(fields.get("actionName", "")))
        if action is None:
            return web.Response(status=204)
        return ActionResponse(action, self._links(request).result(pack, action.id))

    async def _event(self, request: web.Request, pack: Pack) -> web.Response:
        self._engine.mark_alive(pack)
        self._engine.accept_event(schemas.read_event(await _decode(request), pack, self._engine.environment.now()))
        return web.Response(status=202)

    async def _result(self, request: web.Request, pack: Pack) -> web.Response:
        self._engine.mark_alive(pack)
        event = schemas.read_event(await _decode(request), pack, self._engine.environment.now())
        completion = self._engine.accept_result(request.match_info["action_id"], event, pack)
        if completion is Completion.FOREIGN:
            # The server's handler crashes, and takes the connection with it.
            return NoResponse()
        return web.Response(status=_RESULT_STATUSES[completion])

    async def _flows(self, request: web.Request) -> web.Response:
        links = self._links(request)
        flows = [
            {"name": flow.name, "description": flow.description, "links": links.self_link(f"/v1/flows/{flow.name}")}
            for flow in self._engine.flows.values()
        ]
        return _json({"links": links.listing("/v1/flows", "/swagger#/flow"), "flows": flows})

    async def _add_flow(self, request: web.Request) -> web.Response:
        try:
            document = await _decode(request)
        except schemas.InvalidBody:
            return web.Response(status=400 if request.content_type == schemas.YAML else 500)
        try:
            flow = posted_flow(document)
        except InvalidDocument as error:
            # The server's body is empty; the reason helps the users of the simulation.
            return web.Response(status=500 if isinstance(error, SchemaViolation) else 400, text=str(error))
        self._engine.add_flow(flow)
        location = self._links(request).url(f"/v1/flows/{flow.name}")
        return web.Response(status=201, headers={"Location": _ONE_LINE.sub(" ", location)})

    async def _flow(self, request: web.Request) -> web.Response:
        flow = self._engine.flows.get(request.match_info["name"])
        if flow is None:
            return web.Response(status=404)
        return _json({**flow.source, "links": self._links(request).self_link(f"/v1/flows/{flow.name}")})

    async def _delete_flow(self, request: web.Request) -> web.Response:
        return web.Response(status=204 if self._engine.remove_flow(request.match_info["name"]) else 404)

    async def _items(self, request: web.Request) -> web.Response:
        return _json(schemas.items_body(self._engine.datastore.items_by_key, self._links(request)))

    async def _item(self, request: web.Request) -> web.Response:
        item = self._engine.datastore.items_by_key.get(request.match_info["key"])
        if item is None:
            return web.Response(status=404)
        return web.Response(body=item.value, headers={"Content-Type": item.content_type})

    async def _put_item(self, request: web.Request) -> web.Response:
        """Stores the file `value` of a form, with the form's `description`."""
        try:
            form = await request.post()
        except ValueError:
            return web.Response(status=400)
        upload = form.get("value")
        if not isinstance(upload, web.FileField):
            return web.Response(status=400)
        with upload.file as file:
            value = file.read()
        if not value:
            return web.Response(status=400)
        key, description = request.match_info["key"], form.get("description") or request.query.get("description", "")
        is_new = self._engine.datastore.put(
            key, DatastoreItem(value, upload.headers.get("Content-Type", _UNTYPED), str(description))
        )
        location = self._links(request).url(f"/v1/datastore/{key}")
        return web.Response(status=201 if is_new else 204, headers={"Location": _ONE_LINE.sub(" ", location)})

    async def _delete_item(self, request: web.Request) -> web.Response:
        return web.Response(status=204 if self._engine.datastore.remove(request.match_info["key"]) else 404)

    async def _audit(self, request: web.Request) -> web.Response:
        query = request.query
        runs = [
            run
            for run in self._engine.runs()
            if any(_matches(schemas.audit_fields(action), query) for action in run.actions)
        ]
        start, limit = _parse_count(query.get("start"), 0), _parse_count(query.get("limit"), _AUDIT_LIMIT)
        if start < 0 or limit <= 0:
            return web.Response(status=500)
        links = self._links(request)
        page = [schemas.run_body(run, links) for run in runs[start : start + limit]]
        return _json({"flows": page, "links": links.listing("/v1/audit/flows", "/swagger#/flowExecs")})

    async def _audited_run(self, request: web.Request) -> web.Response:
        run = self._engine.run(request.match_info["run_id"])
        return web.Response(status=404) if run is None else _json(schemas.run_body(run, self._links(request)))

    def _links(self, request: web.Request) -> Links:
        return Links(request, self._public_url)


async def _decode(request: web.Request) -> object:
    return schemas.decode(await request.read(), request.content_type)


def _json(body: object) -> web.Response:
    return web.Response(body=json.dumps(body).encode(), headers={"Content-Type": _JSON})


def _matches(fields: Mapping[str, str], query: Mapping[str, str]) -> bool:
    return all(not query.get(key) or query[key] == value for key, value in fields.items())


def _parse_count(written: str | None, default: int) -> int:
    return int(written) if written and _COUNT.fullmatch(written) else default
