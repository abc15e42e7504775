"""The endpoint of the simulated Web API: reads arguments, applies faults, and responds."""

import json
from functools import partial

from aiohttp import web

from entrypoints.simulation.faults import sleep
from entrypoints.simulation.slack.conditions import Conditions
from entrypoints.simulation.slack.event_log import SlackLog
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.web_api.api import SlackError
from entrypoints.simulation.slack.web_api.calls import Answer, WebApi
from entrypoints.simulation.slack.web_api.faulty import under_faults


class WebApiEndpoint:
    """Serves `/api/{method}`."""

    def __init__(self, web_api: WebApi, conditions: Conditions, log: SlackLog) -> None:
        self._web_api = web_api
        self._conditions = conditions
        self._log = log

    async def handle(self, request: web.Request) -> web.Response:
        """Responds to a call, as Slack does or as a planned fault requires."""
        name = request.match_info["method"]
        try:
            arguments, token = await _read_arguments(request)
        except SlackError as error:
            return _response(self._web_api.with_scopes(Answer(error.body)))
        if self._conditions.latency_seconds:
            await sleep(self._conditions.latency_seconds, self._conditions.closing)
        perform = partial(self._perform, name, arguments, token)
        return await under_faults(request, name, arguments, perform, self._conditions, self._log)

    async def _perform(self, name: str, arguments: JsonObject, token: str) -> web.Response:
        return _response(self._web_api.call(name, arguments, token))


def _response(answer: Answer) -> web.Response:
    return web.json_response(answer.body, status=answer.status, headers=answer.headers)


async def _read_arguments(request: web.Request) -> tuple[JsonObject, str]:
    """Returns the arguments and the token of a call. Raises SlackError for malformed JSON.

    As in Slack, `token` in a JSON body is an ordinary argument.
    """
    arguments: JsonObject = dict(request.query)
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if request.content_type == "application/json":
        return arguments | await _read_json(request), token
    if request.method == "POST":
        arguments |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return arguments, token or str(arguments.pop("token", ""))


async def _read_json(request: web.Request) -> JsonObject:
    body = await request.read()
    if not body:
        return {}
    try:
        arguments = json.loads(body)
    except (ValueError, RecursionError):
        raise SlackError("invalid_json") from None
    if not isinstance(arguments, dict):
        raise SlackError("json_not_object")
    return arguments
