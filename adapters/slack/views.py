"""Modals and Home tabs on Slack's Web API."""

from adapters.slack.errors import ApiCall
from adapters.slack.schemas import parse_view
from adapters.slack.web_client import SlackWebClient
from domain.json_values import JsonObject
from domain.views import View


class SlackViews:
    """Implements Views."""

    def __init__(self, web: SlackWebClient) -> None:
        self._web = web

    async def open_view(self, trigger_id: str, view: JsonObject) -> View:
        call = ApiCall("views.open", is_repeatable=False, secret=trigger_id)
        return await self._web.read(call, {"trigger_id": trigger_id, "view": view}, parse_view)

    async def update_view(self, view: JsonObject, *, view_id: str, external_id: str, view_hash: str) -> View:
        place: JsonObject = {"view_id": view_id} if view_id else {"external_id": external_id}
        version: JsonObject = {"hash": view_hash} if view_hash else {}
        call = ApiCall("views.update", is_repeatable=not view_hash)
        return await self._web.read(call, {**place, **version, "view": view}, parse_view)

    async def publish_home(self, user_id: str, view: JsonObject) -> View:
        call = ApiCall("views.publish", user_id)
        return await self._web.read(call, {"user_id": user_id, "view": view}, parse_view)
