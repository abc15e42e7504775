"""Runs the workflow contract over a real socket."""

from collections.abc import AsyncIterator

import pytest

from adapters.flyte.workflow import FlyteWorkflow
from entrypoints.simulation.flyte.server import FlyteServer
from tests.contracts.workflow_contract import Engine, WorkflowContract
from tests.support.flyte import LISTENER, FlyteEngine


class TestFlyteWorkflow(WorkflowContract):
    @pytest.fixture
    async def flyte(self) -> AsyncIterator[FlyteServer]:
        async with FlyteServer(flows=[LISTENER]) as flyte:
            yield flyte

    @pytest.fixture
    async def workflow(self, flyte: FlyteServer) -> AsyncIterator[FlyteWorkflow]:
        workflow = FlyteWorkflow(flyte.api_url, timeout_seconds=5.0)
        async with workflow.open():
            yield workflow

    @pytest.fixture
    def engine(self, flyte: FlyteServer) -> Engine:
        return FlyteEngine(flyte)
