import dataclasses
from collections.abc import AsyncIterator

import pytest

from adapters.slack.events_api import SlackEventsApi
from adapters.system_clock import SystemClock
from application.health import HealthRegistry
from entrypoints.http import HttpServer
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.receiver_contract import ReceiverContract, ReceiverEnvironment
from tests.support.slack_receiver import SlackReceiverEnvironment, connect_receiver


class TestSlackSocketMode(ReceiverContract):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[ReceiverEnvironment]:
        async with SlackServer(acknowledgement_seconds=0.2) as slack, connect_receiver(slack) as ear:
            yield SlackReceiverEnvironment(ear)


class TestSlackRtm(ReceiverContract):
    acknowledges = False

    @pytest.fixture
    async def stage(self) -> AsyncIterator[ReceiverEnvironment]:
        async with SlackServer(classic=True) as slack, connect_receiver(slack) as ear:
            yield SlackReceiverEnvironment(ear)


class TestSlackEventsApi(ReceiverContract):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[ReceiverEnvironment]:
        async with SlackServer() as slack, connect_receiver(slack) as ear:
            receiver = SlackEventsApi(slack.signing_secret, ear.chat.identify, SystemClock(), ack_timeout_seconds=0.3)
            port = HttpServer(HealthRegistry(), host="127.0.0.1", port=0, slack_handler=receiver.handle_request)
            async with port.open():
                await slack.deliver_to(f"{port.url}/slack/events")
                yield SlackReceiverEnvironment(dataclasses.replace(ear, receiver=receiver))
