"""The people of the simulated workspace as users of the app: they click, run commands, and fill in forms."""

from collections.abc import Iterable, Mapping
from typing import Final

from entrypoints.simulation.slack.app_use.answers import SLASH_COMMANDS, Answers
from entrypoints.simulation.slack.app_use.choices import Choice, several
from entrypoints.simulation.slack.app_use.elements import (
    Element,
    as_values,
    current_values,
    elements,
    find_element,
    merged,
    message_elements,
)
from entrypoints.simulation.slack.app_use.forms import FormIncomplete, form_errors
from entrypoints.simulation.slack.delivery.interaction import Interaction, Interactions
from entrypoints.simulation.slack.delivery.queue import DeliveryQueue
from entrypoints.simulation.slack.models import Channel, JsonObject, User
from entrypoints.simulation.slack.people import SlackPeople
from entrypoints.simulation.slack.web_api.response_urls import ResponseUrls
from entrypoints.simulation.slack.web_api.views import Modal, Views
from entrypoints.simulation.slack.workspace import TEAM_DOMAIN, NotFoundError, WorkspaceState

INTERACTIVE: Final = "interactive"


class AppUsers(SlackPeople):
    """Acts as the people who use the app. Each method returns what they did, which is delivered to the app once.

    A user is given by id or handle, a channel by id or name, a message by its `ts`, an element by its `action_id` or
    by what is written on it or beside it, and an option by its value or its label. Raises UnknownName, which says
    what there is, for what does not exist, and NotAllowed for choices that an element does not take.
    """

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
        self._answers = Answers(workspace, views, response_urls)
        self._states: dict[tuple[str, str, str], JsonObject] = {}
        """The values that each user has chosen in a message, by channel, `ts` and user."""

    def new_trigger(self, user: str) -> str:
        """Returns the `trigger_id` of an interaction of this user: it opens one view, within three seconds."""
        return self.views.new_trigger(self.workspace.user(user).user_id)

    # Messages

    def elements(self, user: str, channel: str, ts: str) -> list[Element]:
        """Returns what a user can click and choose in a message."""
        person, place = self.workspace.user(user), self.workspace.channel(channel)
        return message_elements(self._seen(person, place, ts))

    def click(
        self, user: str, channel: str, ts: str, element: str, choice: Choice = None, *, block_id: str = ""
    ) -> Interaction:
        """Uses an element of a message: clicks a button, which needs no choice, or chooses something in a menu."""
        person, place = self._present(user, channel)
        message = self._seen(person, place, ts)
        used = find_element(message_elements(message), element, block_id=block_id)
        action = self._action(used, choice)
        state = self._keep(person, place, ts, used, choice)
        is_ephemeral = message.get("is_ephemeral", False)
        container: JsonObject = {"type": "message", "message_ts": ts, "channel_id": place.channel_id}
        container |= {"is_ephemeral": is_ephemeral}
        container |= {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
        more = {
            "container": container,
            "channel": _place(place),
            "response_url": self.response_urls.new(place, person.user_id, ts),
            "state": {"values": current_values(message_elements(message), state)},
        }
        return self._act(person, action, more | ({} if is_ephemeral else {"message": message}))

    def enter(
        self, user: str, channel: str, ts: str, element: str, choice: Choice = None, *, block_id: str = ""
    ) -> None:
        """Enters a value into an input of a message, without telling the app."""
        person, place = self.workspace.user(user), self.workspace.channel(channel)
        used = find_element(self.elements(user, channel, ts), element, block_id=block_id)
        self._keep(person, place, ts, used, choice)

    def use_message_shortcut(self, user: str, callback_id: str, channel: str, ts: str) -> Interaction:
        """Chooses a shortcut in the menu of a message."""
        person, place = self._present(user, channel)
        payload = self._payload(
            "message_action",
            person,
            callback_id=callback_id,
            channel=_place(place),
            message=_without_metadata(self._seen(person, place, ts)),
            message_ts=ts,
            response_url=self.response_urls.new(place, person.user_id, ts),
        )
        return self._send_shortcut(person, payload)

    # Commands and shortcuts

    def run_command(self, user: str, channel: str, command: str, text: str = "") -> Interaction:
        """Runs a slash command, given with its slash."""
        person, place = self._present(user, channel)
        return self._send(
            SLASH_COMMANDS,
            {
                "token": "simulation",
                "team_id": self.team_id,
                "team_domain": TEAM_DOMAIN,
                "channel_id": place.channel_id,
                "channel_name": _place(place)["name"],
                "user_id": person.user_id,
                "user_name": person.name,
                "command": command,
                "text": text,
                "api_app_id": self.workspace.app_id,
                "is_enterprise_install": "false",
                "response_url": self.response_urls.new(place, person.user_id),
                "trigger_id": self.views.new_trigger(person.user_id),
            },
        )

    def use_shortcut(self, user: str, callback_id: str) -> Interaction:
        """Chooses a global shortcut."""
        person = self.workspace.user(user)
        return self._send_shortcut(person, self._payload("shortcut", person, callback_id=callback_id))

    # Modals and the Home tab

    def modal(self, user: str) -> Modal | None:
        """Returns the modal that a user looks at: the one on top, if there are several."""
        return next(reversed(self.views.modals(self.workspace.user(user).user_id)), None)

    def elements_of_view(self, view_id: str) -> list[Element]:
        """Returns what a user can click and fill in in a modal or a Home tab."""
        return list(elements(self._view(view_id).get("blocks")))

    def click_in_view(
        self, user: str, view_id: str, element: str, choice: Choice = None, *, block_id: str = ""
    ) -> Interaction | None:
        """Uses an element of a modal or a Home tab; returns None if the app learns of it with the form only."""
        view, person = self._view(view_id), self.workspace.user(user)
        used = find_element(self.elements_of_view(view_id), element, block_id=block_id)
        action = self._action(used, choice)
        self._choose(view, [(used, choice)])
        if used.is_input:
            return None
        more = {"container": {"type": "view", "view_id": view_id}, "view": self._filled(self._view(view_id))}
        return self._act(person, action, more)

    def fill(self, view_id: str, choices: Mapping[str, Choice], *, block_id: str = "") -> None:
        """Enters values into a form, by element, without telling the app."""
        known = self.elements_of_view(view_id)
        used = [(find_element(known, name, block_id=block_id), choice) for name, choice in choices.items()]
        self._choose(self._view(view_id), used)

    def submit(self, user: str, view_id: str, choices: Mapping[str, Choice] | None = None) -> Interaction:
        """Submits a modal, after having entered these values by element.

        Raises FormIncomplete for a form that Slack does not let people submit.
        """
        self.fill(view_id, choices or {})
        view, person = self._filled(self._view(view_id)), self.workspace.user(user)
        errors = form_errors(self.elements_of_view(view_id), view["state"]["values"])
        if errors:
            raise FormIncomplete(errors)
        payload = self._payload("view_submission", person, view=view, response_urls=self._response_urls(person, view))
        return self._send(INTERACTIVE, payload | {"trigger_id": self.views.new_trigger(person.user_id)})

    def close_view(self, user: str, view_id: str, *, is_cleared: bool = False) -> Interaction | None:
        """Closes a modal, or all of them; returns None if the app does not want to know."""
        view, person = self._filled(self._view(view_id)), self.workspace.user(user)
        self.views.close(person.user_id, view_id, is_cleared=is_cleared)
        if not view.get("notify_on_close"):
            return None
        payload = self._payload("view_closed", person, view=view, is_cleared=is_cleared)
        return self._send(INTERACTIVE, payload)

    def home(self, user: str) -> JsonObject | None:
        """Returns what the app shows on its Home tab to a user."""
        return self.views.home_of(self.workspace.user(user).user_id)

    def open_home(self, user: str) -> None:
        """Opens the app's Home tab, which raises an event like any other."""
        actor = self.workspace.user(user)
        self.workspace.open_home(actor, self.views.home_of(actor.user_id))

    def send_interaction(self, envelope_type: str, payload: JsonObject) -> Interaction:
        """Delivers any payload as Slack delivers interactions: `interactive` or `slash_commands`."""
        return self._send(envelope_type, payload)

    def _present(self, user: str, channel: str) -> tuple[User, Channel]:
        """Returns a user and a channel, of which the user becomes a member without an event, as by posting."""
        person, place = self.workspace.user(user), self.workspace.channel(channel)
        place.members.setdefault(person.user_id, None)
        return person, place

    def _seen(self, person: User, place: Channel, ts: str) -> JsonObject:
        """Returns a message as this user sees it."""
        ephemeral = self.workspace.ephemerals.get(ts)
        if ephemeral is not None and (ephemeral.channel_id, ephemeral.user_id) == (place.channel_id, person.user_id):
            return ephemeral.fields
        return self._find(place.channel_id, ts)[1].as_json(with_metadata=True)

    def _keep(self, person: User, place: Channel, ts: str, used: Element, choice: Choice) -> JsonObject:
        """Keeps what was chosen in an element of a message; returns all that this user has chosen there."""
        key = place.channel_id, ts, person.user_id
        state = self._states.get(key, {})
        if used.is_stateful:
            state = self._states[key] = merged(state, as_values([(used, self._chosen(used, choice))]))
        return state

    def _view(self, view_id: str) -> JsonObject:
        if view_id not in self.views.by_id:
            raise NotFoundError(f"there is no view {view_id!r}")
        return self.views.by_id[view_id]

    def _chosen(self, element: Element, choice: Choice) -> JsonObject:
        """Returns what was chosen, with ids for the names of people and channels."""
        if "users_select" in element.kind:
            choice = [self.workspace.user(name).user_id for name in several(choice)]
        elif "conversations_select" in element.kind or "channels_select" in element.kind:
            choice = [self.workspace.channel(name).channel_id for name in several(choice)]
        return element.chosen(choice or None)

    def _action(self, element: Element, choice: Choice) -> JsonObject:
        known: JsonObject = {name: element.fields[name] for name in ("text", "url") if name in element.fields}
        value = element.fields.get("value") if choice is None and not element.is_stateful else choice
        used = self._chosen(element, value)
        if used.get("value", "") is None:
            del used["value"]
        ids = {"action_id": element.action_id, "block_id": element.block_id, "action_ts": self.workspace.next_ts()}
        return {**known, **used, **ids}

    def _choose(self, view: JsonObject, choices: Iterable[tuple[Element, Choice]]) -> None:
        entered = [(element, self._chosen(element, choice)) for element, choice in choices if element.is_stateful]
        view["state"] = {"values": merged(view["state"]["values"], as_values(entered))}

    def _filled(self, view: JsonObject) -> JsonObject:
        """Returns a view with its values: what was entered, and else what its elements began with."""
        return {
            **view,
            "state": {"values": current_values(list(elements(view.get("blocks"))), view["state"]["values"])},
        }

    def _response_urls(self, person: User, view: JsonObject) -> list[JsonObject]:
        """Returns the addresses to answer in the conversations that were chosen in elements that ask for one."""
        found = []
        for element in elements(view.get("blocks")):
            value = view["state"]["values"].get(element.block_id, {}).get(element.action_id, {})
            channel_id = value.get("selected_conversation") or value.get("selected_channel")
            if element.fields.get("response_url_enabled") and channel_id:
                ids = {"block_id": element.block_id, "action_id": element.action_id, "channel_id": channel_id}
                found.append(
                    {**ids, "response_url": self.response_urls.new(self.workspace.channel(channel_id), person.user_id)}
                )
        return found

    def _send(self, envelope_type: str, payload: JsonObject) -> Interaction:
        new_id = self.workspace.new_id("I")
        interaction = self._interactions.begin(new_id, envelope_type, payload, self._answers.take)
        self._deliveries.send_interaction(interaction)
        return interaction

    def _act(self, person: User, action: JsonObject, more: JsonObject) -> Interaction:
        payload = self._payload("block_actions", person, **more)
        trigger = {"trigger_id": self.views.new_trigger(person.user_id)}
        return self._send(INTERACTIVE, payload | trigger | {"actions": [action]})

    def _send_shortcut(self, person: User, payload: JsonObject) -> Interaction:
        trigger = {"action_ts": self.workspace.next_ts(), "trigger_id": self.views.new_trigger(person.user_id)}
        return self._send(INTERACTIVE, payload | trigger)

    def _payload(self, kind: str, person: User, **more: object) -> JsonObject:
        user = {"id": person.user_id, "username": person.name, "name": person.name, "team_id": self.team_id}
        team = {"id": self.team_id, "domain": TEAM_DOMAIN}
        app: JsonObject = {"api_app_id": self.workspace.app_id, "token": "simulation", "enterprise": None}
        return {"type": kind, "user": user, "team": team, "is_enterprise_install": False, **app, **more}


def _place(channel: Channel) -> JsonObject:
    return {"id": channel.channel_id, "name": "directmessage" if channel.is_direct else channel.name}


def _without_metadata(message: JsonObject) -> JsonObject:
    return {name: value for name, value in message.items() if name != "metadata"}
