"""The in-memory chat service: modals and Home tabs."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from adapters.memory.chat_state import ChatState
from application.ports.clock import Clock
from domain.errors import ChatRejected
from domain.json_values import JsonObject
from domain.views import View

_TRIGGER_PERIOD: Final = timedelta(seconds=3)


@dataclass(slots=True)
class _Trigger:
    user_id: str
    expires_at: datetime
    is_used: bool = False


@dataclass(slots=True)
class OpenView:
    """A view as it is at the moment."""

    id: str
    user_id: str
    content: JsonObject
    version: int = field(default=1)

    @property
    def receipt(self) -> View:
        """Returns its id and hash."""
        return View(self.id, f"{self.id}.{self.version}")


class ChatViews(ChatState):
    """Implements Views."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.views: dict[str, OpenView] = {}
        """By id."""
        self._homes: dict[str, OpenView] = {}
        self._triggers: dict[str, _Trigger] = {}

    # People's side

    def new_trigger(self, user_id: str = "U1") -> str:
        """Returns the trigger of an interaction of a person."""
        trigger_id = self._new_id("T")
        self._triggers[trigger_id] = _Trigger(user_id, self.now() + _TRIGGER_PERIOD)
        return trigger_id

    # Views

    async def open_view(self, trigger_id: str, view: JsonObject) -> View:
        self._check_external_id(view)
        return self._add_view(self._exchange(trigger_id), view).receipt

    async def update_view(self, view: JsonObject, *, view_id: str, external_id: str, view_hash: str) -> View:
        named = (known for known in self.views.values() if external_id and _external_id(known.content) == external_id)
        known = self.views.get(view_id) or next(named, None)
        if known is None:
            raise ChatRejected("not_found", "there is no such view any more; open a new one")
        if view_hash not in ("", known.receipt.hash):
            raise ChatRejected("hash_conflict", "the view has changed meanwhile; use its latest hash")
        return _replace(known, view).receipt

    async def publish_home(self, user_id: str, view: JsonObject) -> View:
        home = self._homes.get(self._user(user_id).id)
        if home is not None:
            return _replace(home, view).receipt
        home = self._homes[user_id] = self._add_view(user_id, view)
        return home.receipt

    def _add_view(self, user_id: str, view: JsonObject) -> OpenView:
        opened = OpenView(self._new_id("V"), user_id, view)
        self.views[opened.id] = opened
        return opened

    def _check_external_id(self, view: JsonObject) -> None:
        external_id = _external_id(view)
        if external_id and any(_external_id(known.content) == external_id for known in self.views.values()):
            raise ChatRejected("duplicate_external_id", "another view has this external_id; give each view its own")

    def _exchange(self, trigger_id: str) -> str:
        """Uses up a trigger, and returns its user."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise ChatRejected("invalid_trigger_id", "there is no such trigger; use the triggerId of the event")
        if trigger.is_used:
            raise ChatRejected("exchanged_trigger_id", "the trigger was used already; it serves once")
        if self.now() > trigger.expires_at:
            raise ChatRejected("expired_trigger_id", "the trigger has expired; it serves for 3 seconds")
        trigger.is_used = True
        return trigger.user_id


def _replace(known: OpenView, content: JsonObject) -> OpenView:
    known.content = content
    known.version += 1
    return known


def _external_id(view: JsonObject) -> str:
    return str(view.get("external_id") or "")
