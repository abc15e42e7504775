"""The people of the simulated workspace as users of the app: they click, run commands, and fill in forms."""

from collections.abc import Mapping
from typing import Final

from entrypoints.simulation.slack.delivery.interaction import Interaction, Interactions
from entrypoints.simulation.slack.delivery.queue import DeliveryQueue
from entrypoints.simulation.slack.elements import Choice, Element, find_element, with_choices
from entrypoints.simulation.slack.models import Channel, JsonObject, User
from entrypoints.simulation.slack.people import SlackPeople
from entrypoints.simulation.slack.web_api.response_urls import ResponseUrls
from entrypoints.simulation.slack.web_api.views import Views
from entrypoints.simulation.slack.workspace import TEAM_DOMAIN, NotFoundError, WorkspaceState

INTERACTIVE: Final = "interactive"
SLASH_COMMANDS: Final = "slash_commands"


class AppUsers(SlackPeople):
    """Acts as the people who use the app. Each method returns what they did, which is delivered to the app once."""

    def __init__(
        self,
        workspace: WorkspaceState,
        deliveries: DeliveryQueue,
        interactions: Interactions,
        views: Views,
        response_urls: ResponseUrls,
    ) -> None:
        super().__init__(workspace)
        self.interactions: Final = interactions.by_id
        self.views: Final = views
        self.response_urls: Final = response_urls
        self._interactions = interactions
        self._deliveries = deliveries
        self._states: dict[tuple[str, str, str], JsonObject] = {}
        """What each user has chosen in a message, by channel, `ts` and user."""

    def new_trigger(self, user: str) -> str:
        """Returns the `trigger_id` of an interaction of this user: it opens one view, within three seconds."""
        return self.views.new_trigger(self.workspace.user(user).user_id)

    def click(self, user: str, channel: str, ts: str, action_id: str, choice: Choice = None) -> Interaction:
        """Uses an element of a message. A button needs no choice: its own value counts."""
        place, message = self._find(channel, ts)
        actor = self.workspace.user(user)
        element = find_element(message.fields.get("blocks"), action_id)
        key = place.channel_id, ts, actor.user_id
        if element.is_stateful:
            state = self._states.get(key, {})
            self._states[key] = with_choices(state, message.fields.get("blocks"), {action_id: choice})
        container: JsonObject = {"type": "message", "message_ts": ts, "channel_id": place.channel_id}
        container |= {"is_ephemeral": False}
        if "thread_ts" in message.fields:
            container |= {"thread_ts": message.fields["thread_ts"]}
        return self._act(
            actor,
            self._action(element, choice),
            {
                "container": container,
                "channel": _place(place),
                "message": message.as_json(with_metadata=True),
                "response_url": self.response_urls.new(place, actor.user_id, ts),
                "state": {"values": self._states.get(key, {})},
            },
        )

    def click_in_view(self, user: str, view_id: str, action_id: str, choice: Choice = None) -> Interaction:
        """Uses an element of a modal or a Home tab."""
        view = self._view(view_id)
        element = find_element(view.get("blocks"), action_id)
        if element.is_stateful:
            self._choose(view, {action_id: choice})
        container = {"type": "view", "view_id": view_id}
        return self._act(
            self.workspace.user(user), self._action(element, choice), {"container": container, "view": dict(view)}
        )

    def submit(self, user: str, view_id: str, choices: Mapping[str, Choice] | None = None) -> Interaction:
        """Submits a modal, after having chosen these values by `action_id`."""
        view, actor = self._view(view_id), self.workspace.user(user)
        self._choose(view, choices or {})
        payload = self._payload("view_submission", actor, view=dict(view), response_urls=[])
        self.views.close(actor.user_id)
        return self._send(INTERACTIVE, payload | {"trigger_id": self.new_trigger(user)})

    def close_view(self, user: str, view_id: str, *, is_cleared: bool = False) -> Interaction | None:
        """Closes a modal; returns None if the app does not want to know."""
        view, actor = self._view(view_id), self.workspace.user(user)
        self.views.close(actor.user_id)
        if not view.get("notify_on_close"):
            return None
        return self._send(INTERACTIVE, self._payload("view_closed", actor, view=dict(view), is_cleared=is_cleared))

    def run_command(self, user: str, channel: str, command: str, text: str = "") -> Interaction:
        """Runs a slash command, given with its slash."""
        place, actor = self.workspace.channel(channel), self.workspace.user(user)
        return self._send(
            SLASH_COMMANDS,
            {
                "token": "simulation",
                "team_id": self.team_id,
                "team_domain": TEAM_DOMAIN,
                "channel_id": place.channel_id,
                "channel_name": "directmessage" if place.is_direct else place.name,
                "user_id": actor.user_id,
                "user_name": actor.name,
                "command": command,
                "text": text,
                "api_app_id": self.workspace.app_id,
                "is_enterprise_install": "false",
                "response_url": self.response_urls.new(place, actor.user_id),
                "trigger_id": self.new_trigger(user),
            },
        )

    def use_shortcut(self, user: str, callback_id: str) -> Interaction:
        """Chooses a global shortcut."""
        payload = self._payload("shortcut", self.workspace.user(user), callback_id=callback_id)
        return self._send(
            INTERACTIVE, payload | {"action_ts": self.workspace.next_ts(), "trigger_id": self.new_trigger(user)}
        )

    def use_message_shortcut(self, user: str, callback_id: str, channel: str, ts: str) -> Interaction:
        """Chooses a shortcut in the menu of a message."""
        place, message = self._find(channel, ts)
        actor = self.workspace.user(user)
        payload = self._payload(
            "message_action",
            actor,
            callback_id=callback_id,
            channel=_place(place),
            message=message.as_json(with_metadata=False),
            message_ts=ts,
            response_url=self.response_urls.new(place, actor.user_id, ts),
        )
        return self._send(
            INTERACTIVE, payload | {"action_ts": self.workspace.next_ts(), "trigger_id": self.new_trigger(user)}
        )

    def open_home(self, user: str) -> None:
        """Opens the app's Home tab, which raises an event like any other."""
        actor = self.workspace.user(user)
        self.workspace.open_home(actor, self.views.home_of(actor.user_id))

    def send_interaction(self, envelope_type: str, payload: JsonObject) -> Interaction:
        """Delivers any payload as Slack delivers interactions: `interactive` or `slash_commands`."""
        return self._send(envelope_type, payload)

    def _act(self, actor: User, action: JsonObject, more: JsonObject) -> Interaction:
        payload = self._payload("block_actions", actor, **more)
        return self._send(INTERACTIVE, payload | {"trigger_id": self.new_trigger(actor.user_id), "actions": [action]})

    def _action(self, element: Element, choice: Choice) -> JsonObject:
        known: JsonObject = {name: element.fields[name] for name in ("text", "url") if name in element.fields}
        value = element.fields.get("value") if choice is None and not element.is_stateful else choice
        chosen = element.chosen(value)
        if chosen.get("value", "") is None:
            del chosen["value"]
        ids = {"action_id": element.action_id, "block_id": element.block_id, "action_ts": self.workspace.next_ts()}
        return {**known, **chosen, **ids}

    def _choose(self, view: JsonObject, choices: Mapping[str, Choice]) -> None:
        view["state"] = {"values": with_choices(view["state"]["values"], view.get("blocks"), choices)}

    def _view(self, view_id: str) -> JsonObject:
        if view_id not in self.views.by_id:
            raise NotFoundError(f"there is no view {view_id!r}")
        return self.views.by_id[view_id]

    def _payload(self, kind: str, actor: User, **more: object) -> JsonObject:
        user = {"id": actor.user_id, "username": actor.name, "name": actor.name, "team_id": self.team_id}
        team = {"id": self.team_id, "domain": TEAM_DOMAIN}
        app: JsonObject = {"api_app_id": self.workspace.app_id, "token": "simulation", "enterprise": None}
        return {"type": kind, "user": user, "team": team, "is_enterprise_install": False, **app, **more}

    def _send(self, envelope_type: str, payload: JsonObject) -> Interaction:
        interaction = self._interactions.begin(self.workspace.new_id("I"), envelope_type, payload)
        self._deliveries.send_interaction(interaction)
        return interaction


def _place(channel: Channel) -> JsonObject:
    return {"id": channel.channel_id, "name": "directmessage" if channel.is_direct else channel.name}
