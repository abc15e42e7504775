import dataclasses
from collections.abc import AsyncIterator

import pytest

from adapters.slack.events_api import SlackEventsApi
from adapters.system_clock import SystemClock
from application.health import HealthRegistry
from entrypoints.container.ports import HEALTH_CHECKS
from entrypoints.http import HttpServer
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.people_contract import PeopleContract, PeopleEnvironment, ReactionContract
from tests.contracts.receiver_contract import AcknowledgementContract, ReceiverContract
from tests.support.slack_receiver import SELECTION, SlackReceiverEnvironment, connect_receiver


class TestSlackSocketMode(ReceiverContract, AcknowledgementContract, ReactionContract, PeopleContract):
    @pytest.fixture
    async def environment(self) -> AsyncIterator[PeopleEnvironment]:
        async with SlackServer(acknowledgement_seconds=0.2) as slack, connect_receiver(slack) as connected:
            yield SlackReceiverEnvironment(connected)


class TestSlackRtm(ReceiverContract, ReactionContract):
    @pytest.fixture
    async def environment(self) -> AsyncIterator[PeopleEnvironment]:
        async with SlackServer(classic=True) as slack, connect_receiver(slack) as connected:
            yield SlackReceiverEnvironment(connected)


class TestSlackEventsApi(ReceiverContract, AcknowledgementContract, ReactionContract, PeopleContract):
    @pytest.fixture
    async def environment(self) -> AsyncIterator[PeopleEnvironment]:
        async with SlackServer() as slack, connect_receiver(slack) as connected:
            identify = connected.chat.identify
            receiver = SlackEventsApi(
                slack.signing_secret, identify, SystemClock(), ack_timeout_seconds=0.3, selection=SELECTION
            )
            port = HttpServer(HealthRegistry(HEALTH_CHECKS), host="127.0.0.1", port=0, slack_handler=receiver)
            async with port.open():
                await slack.deliver_to(f"{port.url}/slack/events")
                yield SlackReceiverEnvironment(dataclasses.replace(connected, receiver=receiver))
