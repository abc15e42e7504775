"""RTM: every event to every open connection, without acknowledgement or retry."""

import json
from collections.abc import Callable
from typing import Final

from entrypoints.simulation.slack.delivery.websocket import Socket
from entrypoints.simulation.slack.event_log import SlackLog
from entrypoints.simulation.slack.events import to_rtm
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.workspace import WorkspaceState


class RtmConnections:
    """The open RTM connections."""

    def __init__(self, workspace: WorkspaceState, log: SlackLog, new_url: Callable[[], str]) -> None:
        self.connections: Final[list[Socket]] = []
        self._workspace = workspace
        self._log = log
        self._new_url = new_url

    def welcome(self, socket: Socket, _connection_seconds: int) -> None:
        """Sends `hello` to a new connection, and the address at which the next one may be opened."""
        socket.send({"type": "hello", "fast_reconnect": True, "start": True})
        socket.send({"type": "reconnect_url", "url": self._new_url()})
        socket.is_ready = True

    def remove(self, socket: Socket) -> None:
        """Removes a closed connection."""
        if socket in self.connections:
            self.connections.remove(socket)

    def broadcast(self, event: JsonObject) -> None:
        """Sends an event to all connections."""
        if not self.connections:
            return
        frame = json.dumps(to_rtm(event))
        for socket in self.connections:
            if socket.is_ready:
                socket.send(frame)
                self._log.count("rtm_frames")

    def goodbye(self, socket: Socket, close_after_seconds: float) -> None:
        """Announces the end of a connection, and closes it."""
        socket.send({"type": "goodbye", "source": "gateway_server"})
        socket.close_after(close_after_seconds)

    def handle_frame(self, socket: Socket, text: str) -> None:
        """Answers a ping, or posts a message."""
        try:
            frame = json.loads(text)
            kind, number = frame["type"], frame.get("id")
        except (ValueError, TypeError, KeyError, AttributeError):
            self._log.count("malformed_frames")
            return
        reply = {} if number is None else {"reply_to": number}
        if kind == "ping":
            more = {key: value for key, value in frame.items() if key not in ("type", "id")}
            socket.send({"type": "pong", **reply, **more})
        elif kind == "message":
            socket.send(reply | self._post(frame))

    def _post(self, frame: JsonObject) -> JsonObject:
        channel = self._workspace.channels.get(str(frame.get("channel")))
        text = frame.get("text")
        if channel is None or not isinstance(text, str) or not text:
            message = "channel not found" if channel is None else "no text"
            return {"ok": False, "error": {"code": 2, "msg": message}}
        bot = self._workspace.bot
        fields = {"user": bot.user_id, "bot_id": bot.bot_id, "text": text}
        posted = self._workspace.post(channel, fields, thread_ts=frame.get("thread_ts"))
        return {"ok": True, "ts": posted.ts, "text": text}
