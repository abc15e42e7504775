"""RTM: every event to every open connection, without acknowledgement or retry."""

import json
from collections.abc import Callable
from typing import Final

from entrypoints.simulation.slack.delivery.websocket import Socket
from entrypoints.simulation.slack.event_log import Post, SlackLog
from entrypoints.simulation.slack.events import to_rtm
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.workspace import WorkspaceState

MAX_TEXT: Final = 4_000
"""The characters of a message that RTM accepts."""


class RtmConnections:
    """The open RTM connections."""

    def __init__(self, workspace: WorkspaceState, log: SlackLog, new_url: Callable[[], str]) -> None:
        self.connections: Final[list[Socket]] = []
        self._workspace = workspace
        self._log = log
        self._new_url = new_url
        self._sender: Socket | None = None

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
        """Sends an event to all connections, but for a message not to the one that posted it."""
        if not self.connections:
            return
        frame = json.dumps(to_rtm(event))
        for socket in self.connections:
            if socket.is_ready and socket is not self._sender:
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
            self._sender = socket
            socket.send(reply | self._post(frame))
            self._sender = None

    def _post(self, frame: JsonObject) -> JsonObject:
        """Posts a message like `chat.postMessage`, and returns the reply to its sender."""
        text, thread_ts = frame.get("text"), frame.get("thread_ts")
        bot = self._workspace.bot
        channel = self._workspace.channels.get(str(frame.get("channel")))
        if channel is None or channel.is_archived or bot.user_id not in channel.members:
            return _refusal("channel not found")
        if not isinstance(text, str) or not text or len(text) > MAX_TEXT:
            return _refusal("message text is missing or too long")
        fields = {"user": bot.user_id, "bot_id": bot.bot_id, "text": text}
        thread = thread_ts if isinstance(thread_ts, str) else None
        is_broadcast = frame.get("reply_broadcast") is True
        message = self._workspace.post(channel, fields, thread_ts=thread, broadcast=is_broadcast)
        self._log.publish(Post(channel.channel_id, text, message.ts, thread, frame))
        return {"ok": True, "ts": message.ts, "text": text}


def _refusal(message: str) -> JsonObject:
    return {"ok": False, "error": {"code": 2, "msg": message}}
