"""The `views.*` methods of the simulated Slack's Web API: modals, opened with triggers, and Home tabs."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from entrypoints.simulation.slack.block_kit.check import view_errors
from entrypoints.simulation.slack.event_log import SlackLog, ViewChanged
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, SlackError, fail_if, invalid
from entrypoints.simulation.slack.workspace import WorkspaceState

TRIGGER_SECONDS: Final = 3.0
MAX_STACK: Final = 3
MAX_BYTES: Final = 250_000
TEXTS: Final = {"private_metadata": "", "callback_id": "", "external_id": ""}
FLAGS: Final = {"clear_on_close": False, "notify_on_close": False}


@dataclass(slots=True)
class Trigger:
    """A user's interaction, which may open one view until it expires."""

    user_id: str
    expires_at: float
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class Modal:
    """A modal that a person looks at."""

    view: JsonObject
    """As the app gets it, with the values entered so far in `state`."""
    errors: Mapping[str, str]
    """Why the last submission was refused, by block id; empty if it was not."""
    failure: str
    """Why the last submission did not reach the app, or its answer could not be used; empty if it did."""


class Views:
    """The modals and Home tabs of all users: `by_id` has every view, `stacks` each user's open modals.

    `errors` and `failures` have why the last submission of a view was refused, by block, and why it did not arrive.
    """

    def __init__(self, workspace: WorkspaceState, log: SlackLog) -> None:
        self.by_id: Final[dict[str, JsonObject]] = {}
        self.stacks: Final[dict[str, list[str]]] = {}
        self.errors: Final[dict[str, JsonObject]] = {}
        self.failures: Final[dict[str, str]] = {}
        self._log = log
        self._homes: dict[str, str] = {}
        self._triggers: dict[str, Trigger] = {}
        self._workspace = workspace

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods of the Web API for views."""
        return {
            "views.open": Method(self._open, 4),
            "views.push": Method(self._push, 4),
            "views.update": Method(self._update, 4),
            "views.publish": Method(self._publish, 4),
        }

    def new_trigger(self, user_id: str) -> str:
        """Returns the `trigger_id` of an interaction of this user."""
        now = self._workspace.now()
        trigger_id = f"{int(now)}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user_id, now + TRIGGER_SECONDS)
        return trigger_id

    def home_of(self, user_id: str) -> JsonObject | None:
        """Returns what the app published on a user's Home tab, if anything."""
        return self.by_id.get(self._homes.get(user_id, ""))

    def modals(self, user_id: str) -> list[Modal]:
        """Returns a user's open modals, the one on top last."""
        stack = self.stacks.get(user_id, ())
        return [Modal(self.by_id[one], self.errors.get(one, {}), self.failures.get(one, "")) for one in stack]

    def close(self, user_id: str, view_id: str, *, is_cleared: bool = False) -> None:
        """Closes a modal of a user and those above it, or all of them."""
        stack = self.stacks.get(user_id, [])
        if view_id in stack:
            del stack[0 if is_cleared else stack.index(view_id) :]
            self._publish_change(user_id, view_id, "closed")

    def take_answer(self, user_id: str, view_id: str, answer: object) -> None:
        """Does what the acknowledgement of a submission says: by default, the modal is closed."""
        self.failures.pop(view_id, None)
        self.errors.pop(view_id, None)
        fields = answer if isinstance(answer, dict) else {}
        try:
            match fields.get("response_action"):
                case "errors":
                    self.errors[view_id] = dict(fields.get("errors") or {})
                    self._publish_change(user_id, view_id, "refused")
                case "update":
                    self._change(self.by_id[view_id], self._check_view(fields.get("view"), "modal", view_id))
                case "push":
                    self._add_modal(self._check_view(fields.get("view"), "modal"), user_id)
                case action:
                    self.close(user_id, view_id, is_cleared=action == "clear")
        except SlackError as error:
            self.fail(user_id, view_id, str(error.body["error"]))

    def fail(self, user_id: str, view_id: str, reason: str) -> None:
        """Records that a submission did not reach the app, or that its answer cannot be used; the modal stays open."""
        self.failures[view_id] = reason
        self._publish_change(user_id, view_id, "failed")

    def _open(self, call: MethodCall) -> JsonObject:
        """`views.open`: opens a modal, instead of those that are open."""
        view = self._read_view(call, "modal")
        user_id = self._exchange_trigger(call)
        self.stacks.pop(user_id, None)
        return self._add_modal(view, user_id)

    def _push(self, call: MethodCall) -> JsonObject:
        """`views.push`: opens a modal above those that are open."""
        view = self._read_view(call, "modal")
        user_id = self._exchange_trigger(call)
        stack = self.stacks.get(user_id, [])
        fail_if(not stack, "not_found")
        fail_if(len(stack) >= MAX_STACK, "push_limit_reached")
        return self._add_modal(view, user_id)

    def _update(self, call: MethodCall) -> JsonObject:
        """`views.update`: changes a view, given by its id or its external id."""
        external_id = call.text("external_id")
        named = (one for one in self.by_id.values() if external_id and one["external_id"] == external_id)
        known = self.by_id.get(call.text("view_id")) or next(named, None)
        if known is None:
            raise SlackError("not_found")
        view = self._read_view(call, known["type"], known["id"])
        _check_hash(call, known)
        self._change(known, view)
        return {"view": known}

    def _publish(self, call: MethodCall) -> JsonObject:
        """`views.publish`: sets a user's Home tab."""
        user_id = call.text("user_id")
        fail_if(user_id not in self._workspace.users, "user_not_found")
        view_id = self._homes.get(user_id, "")
        view = self._read_view(call, "home", view_id)
        if view_id:
            _check_hash(call, self.by_id[view_id])
            self.by_id[view_id] |= self._content(view)
        else:
            view_id = self._homes[user_id] = self._add(view)
        self._publish_change(user_id, view_id, "published")
        return {"view": self.by_id[view_id]}

    def _add_modal(self, view: JsonObject, user_id: str) -> JsonObject:
        stack = self.stacks.setdefault(user_id, [])
        view_id = self._add(view)
        above = {"previous_view_id": stack[-1] if stack else None, "root_view_id": stack[0] if stack else view_id}
        self.by_id[view_id] |= above
        stack.append(view_id)
        self._publish_change(user_id, view_id, "pushed" if len(stack) > 1 else "opened")
        return {"view": self.by_id[view_id]}

    def _change(self, known: JsonObject, view: JsonObject) -> None:
        """Changes a view; as in Slack, elements that it keeps also keep their values."""
        state = known["state"]
        known |= {**self._content(view), "state": state}
        for user_id, stack in self.stacks.items():
            if known["id"] in stack:
                self._publish_change(user_id, known["id"], "updated")

    def _publish_change(self, user_id: str, view_id: str, change: str) -> None:
        self._log.publish(ViewChanged(user_id, view_id, change))

    def _add(self, view: JsonObject) -> str:
        view_id = self._workspace.new_id("V")
        origin = {"id": view_id, "previous_view_id": None, "root_view_id": view_id, "team_id": self._workspace.team_id}
        app = {"app_id": self._workspace.app_id, "bot_id": self._workspace.bot.bot_id}
        team = {"app_installed_team_id": self._workspace.team_id}
        self.by_id[view_id] = {**origin, **app, **team, **self._content(view)}
        return view_id

    def _content(self, view: JsonObject) -> JsonObject:
        """Returns what the app determines of a view, and a new hash."""
        version = f"{int(self._workspace.now())}.{secrets.token_hex(4)}"
        return {**TEXTS, **FLAGS, "state": {"values": {}}, **view, "hash": version}

    def _read_view(self, call: MethodCall, kind: str, view_id: str = "") -> JsonObject:
        """Returns the argument `view` if it is valid; its external id may be that of the view with this id only."""
        return self._check_view(call.json_value("view", "invalid_arguments"), kind, view_id)

    def _check_view(self, view: Any, kind: str, view_id: str = "") -> JsonObject:
        errors = view_errors(view)
        if not errors and view["type"] != kind:
            errors = ["must be a valid enum value [json-pointer:/view/type]"]
        if errors:
            raise invalid("invalid_arguments", errors)
        fail_if(len(json.dumps(view)) > MAX_BYTES, "view_too_large")
        external_id = view.get("external_id")
        others = (one for one in self.by_id.values() if one["id"] != view_id)
        fail_if(external_id and any(one["external_id"] == external_id for one in others), "duplicate_external_id")
        return dict(view)

    def _exchange_trigger(self, call: MethodCall) -> str:
        """Uses up the call's trigger; returns its user's id."""
        trigger = self._triggers.get(call.text("trigger_id"))
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        fail_if(trigger.is_used, "exchanged_trigger_id")
        fail_if(self._workspace.now() > trigger.expires_at, "expired_trigger_id")
        trigger.is_used = True
        return trigger.user_id


def _check_hash(call: MethodCall, view: JsonObject) -> None:
    fail_if(call.text("hash") not in ("", view["hash"]), "hash_conflict")
