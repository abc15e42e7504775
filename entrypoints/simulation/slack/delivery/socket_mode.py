"""Socket Mode: each event to one of the open connections, acknowledged in time or delivered again."""

import asyncio
import json
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Final

from entrypoints.simulation.slack.delivery.interaction import Interaction
from entrypoints.simulation.slack.delivery.queue import DeliveryQueue, PendingDelivery
from entrypoints.simulation.slack.delivery.websocket import Socket
from entrypoints.simulation.slack.event_log import SlackLog
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.workspace import WorkspaceState

ACKNOWLEDGEMENT_SECONDS: Final = 3.0
MAX_CONNECTIONS: Final = 10
WARNING_SECONDS: Final = 10
"""How long before a connection's end the app is warned."""
ACCEPTING_RESPONSES: Final = ("slash_commands", "view_submission", "block_suggestion")
HOST: Final = "applink-simulation"


@dataclass(slots=True)
class Envelope:
    """An event or an interaction sent through a connection and not yet acknowledged."""

    socket: Socket
    content: PendingDelivery | Interaction
    deadline: asyncio.TimerHandle


class SocketMode:
    """The open connections of Socket Mode, and their unacknowledged envelopes.

    Without `accepts_acknowledgements` acknowledgements are lost. Without `is_enabled` new connections are refused, as
    when Socket Mode is disabled in the app's settings.
    """

    def __init__(
        self, deliveries: DeliveryQueue, log: SlackLog, workspace: WorkspaceState, acknowledgement_seconds: float
    ) -> None:
        self.workspace: Final = workspace
        self.acknowledgement_seconds = acknowledgement_seconds
        self.accepts_acknowledgements = True
        self.is_enabled = True
        self.connections: Final[list[Socket]] = []
        self._rotation: deque[Socket] = deque()
        self._envelopes: dict[str, Envelope] = {}
        self._deliveries = deliveries
        self._log = log

    def welcome(self, socket: Socket, connection_seconds: int) -> None:
        """Sends `hello` to a new connection, or refuses it.

        The connection is warned before its time is up, and disconnected when it is.
        """
        if not self.is_enabled:
            self.disconnect(socket, "link_disabled", 0)
            return
        if len(self.connections) > MAX_CONNECTIONS:
            self.disconnect(socket, "too_many_websockets", 0)
            return
        about_time = {"host": HOST, "build_number": 1, "approximate_connection_time": connection_seconds}
        hello: JsonObject = {"type": "hello", "num_connections": len(self.connections), "debug_info": about_time}
        socket.send(hello | {"connection_info": {"app_id": self.workspace.app_id}})
        socket.is_ready = True
        self._rotation.append(socket)
        socket.call_later(connection_seconds - WARNING_SECONDS, self.disconnect, socket, "warning", 0)
        socket.call_later(connection_seconds, self.disconnect, socket, "refresh_requested", 0)
        self._deliveries.flush()

    def remove(self, socket: Socket) -> None:
        """Removes a closed connection; its unacknowledged envelopes have failed."""
        if socket in self.connections:
            self.connections.remove(socket)
        self._take_out_of_rotation(socket)
        lost = [envelope_id for envelope_id, envelope in self._envelopes.items() if envelope.socket is socket]
        for envelope_id in lost:
            self._expire(envelope_id)

    @property
    def is_open(self) -> bool:
        """Implements Transport."""
        return bool(self.connections)

    def send(self, delivery: PendingDelivery) -> bool:
        """Implements Transport; the connections take turns."""
        socket = self._next_socket()
        if socket is None:
            return False
        attempt = {"retry_attempt": delivery.attempt, "retry_reason": delivery.reason}
        envelope: JsonObject = {"type": "events_api", "payload": delivery.body, "accepts_response_payload": False}
        self._send(socket, delivery, envelope | attempt)
        return True

    def send_interaction(self, interaction: Interaction) -> bool:
        """Implements Transport."""
        socket = self._next_socket()
        if socket is None:
            return False
        accepts = interaction.kind in ACCEPTING_RESPONSES
        envelope: JsonObject = {"type": interaction.envelope_type, "payload": interaction.payload}
        self._send(socket, interaction, envelope | {"accepts_response_payload": accepts})
        return True

    def disconnect(self, socket: Socket, reason: str, close_after_seconds: float) -> None:
        """Announces the end of a connection, and closes it unless the reason is `warning`."""
        socket.send({"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}})
        if reason != "warning":
            self._take_out_of_rotation(socket)
            socket.close_after(close_after_seconds)

    def drop(self, socket: Socket) -> None:
        """Resets a connection; nothing is sent through it from now on."""
        self._take_out_of_rotation(socket)
        socket.drop()

    def handle_frame(self, _socket: Socket, text: str) -> None:
        """Takes an acknowledgement."""
        try:
            frame = json.loads(text)
            envelope_id = str(frame["envelope_id"])
        except (ValueError, TypeError, KeyError):
            self._log.count("malformed_frames")
            return
        if not self.accepts_acknowledgements:
            return
        if envelope_id in self._envelopes:
            envelope = self._envelopes.pop(envelope_id)
            envelope.deadline.cancel()
            if isinstance(envelope.content, Interaction):
                envelope.content.acknowledge(frame.get("payload"))
            else:
                self._deliveries.acknowledge(envelope.content)
        else:
            self._log.count("late_acknowledgements")

    def close(self) -> None:
        """Stops to wait for acknowledgements."""
        for envelope in self._envelopes.values():
            envelope.deadline.cancel()

    def _send(self, socket: Socket, content: PendingDelivery | Interaction, envelope: JsonObject) -> None:
        envelope_id = str(uuid.uuid4())
        deadline = asyncio.get_running_loop().call_later(self.acknowledgement_seconds, self._expire, envelope_id)
        self._envelopes[envelope_id] = Envelope(socket, content, deadline)
        socket.send({"envelope_id": envelope_id} | envelope)

    def _next_socket(self) -> Socket | None:
        if not self._rotation:
            return None
        self._rotation.rotate(-1)
        return self._rotation[-1]

    def _take_out_of_rotation(self, socket: Socket) -> None:
        socket.is_ready = False
        if socket in self._rotation:
            self._rotation.remove(socket)

    def _expire(self, envelope_id: str) -> None:
        envelope = self._envelopes.pop(envelope_id, None)
        if envelope is None:
            return
        envelope.deadline.cancel()
        if isinstance(envelope.content, Interaction):
            envelope.content.fail("timeout")
        else:
            self._deliveries.fail(envelope.content, "timeout")
