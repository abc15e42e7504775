"""The ways in which a pack receives events from Slack."""

from enum import Enum
from pathlib import Path

from entrypoints.http import SLACK_PATH
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import DaemonProcess, daemon_environ


class Transport(Enum):
    """How the pack receives events from Slack."""

    SOCKET_MODE = "socket mode"
    HTTP = "http"
    RTM = "rtm"

    def secrets(self, slack: SlackServer) -> dict[str, str]:
        """The variables that select this transport."""
        return {
            Transport.SOCKET_MODE: {"FLYTE_SLACK_APP_TOKEN": slack.app_token},
            Transport.HTTP: {"FLYTE_SLACK_SIGNING_SECRET": slack.signing_secret},
            Transport.RTM: {},
        }[self]

    async def wait_until_receiving(self, slack: SlackServer, pack: DaemonProcess) -> None:
        """Return once the pack receives; for HTTP, first enter the request URL in Slack, as an operator does."""
        if self is Transport.HTTP:
            await slack.deliver_to(await pack.url() + SLACK_PATH)
        await pack.wait_for_event("hearing")


def socket_mode_environ(slack: SlackServer, flyte: FlyteServer, directory: Path, **more: str) -> dict[str, str]:
    """The variables for a daemon that receives through Socket Mode."""
    return daemon_environ(slack, flyte, directory, **Transport.SOCKET_MODE.secrets(slack), **more)
