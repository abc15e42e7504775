"""Responds to requests as a planned fault requires."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from entrypoints.simulation.faults import Late, respond, takes_effect
from entrypoints.simulation.listener import reset
from entrypoints.simulation.slack.conditions import Conditions
from entrypoints.simulation.slack.event_log import Call, FaultInjected, SlackLog
from entrypoints.simulation.slack.models import JsonObject


async def under_faults(
    request: web.Request,
    name: str,
    arguments: JsonObject,
    perform: Callable[[], Awaitable[web.Response]],
    conditions: Conditions,
    log: SlackLog,
) -> web.Response:
    """Responds with what `perform` returns, or as the next fault for this target requires."""
    fault = conditions.faults.match(name, arguments)
    if fault is None:
        return await perform()
    log.count("faults")
    log.publish(FaultInjected(name, fault.name))
    if not takes_effect(fault):
        log.publish(Call(name, arguments, fault.name))
    if isinstance(fault, Late):
        reset(request)
    response = await respond(fault, perform, conditions.closing)
    return response or reset(request)
