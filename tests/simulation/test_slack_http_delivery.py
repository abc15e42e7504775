"""Delivery of events by the simulated Slack through signed HTTP requests."""

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from entrypoints.simulation.slack.delivery.http import signed_headers
from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import Json, SlackApp

RETRY_SECONDS = 0.05


class Receiver:
    """An app that receives events by HTTP and responds with `responses`, then with status 200."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.signatures: list[bool] = []
        self.responses: list[web.Response] = []
        self.secret = ""
        self.challenge_as = "text"

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        verifier = SignatureVerifier(self.secret)
        self.signatures.append(verifier.is_valid_request(raw, dict(request.headers)))
        body = await request.json()
        if body["type"] == "url_verification":
            return self._answer_challenge(body["challenge"])
        self.bodies.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return self.responses.pop(0) if self.responses else web.Response()

    def _answer_challenge(self, challenge: str) -> web.Response:
        if self.challenge_as == "json":
            return web.json_response({"challenge": challenge})
        return web.Response(text=challenge if self.challenge_as == "text" else "wrong")


@pytest.fixture
async def receiver(slack: SlackServer) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    receiver.secret = slack.signing_secret
    application = web.Application()
    application.router.add_post("/slack/events", receiver.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(retry_seconds=(0.0, RETRY_SECONDS, RETRY_SECONDS)) as server:
        server.add_channel("ops", members=[server.bot_user_id])
        yield server


@pytest.mark.parametrize("style", ["text", "json"])
async def test_an_address_is_accepted_when_it_answers_the_challenge(
    style: str, slack: SlackServer, receiver: Receiver
) -> None:
    receiver.challenge_as = style
    await slack.deliver_to(receiver.url)
    assert receiver.signatures == [True]


async def test_an_address_with_a_wrong_answer_is_rejected(slack: SlackServer, receiver: Receiver) -> None:
    receiver.challenge_as = "nonsense"
    with pytest.raises(ConnectionError, match="status 200 and another value"):
        await slack.deliver_to(receiver.url)


async def test_an_unreachable_address_is_rejected(slack: SlackServer) -> None:
    with pytest.raises(ConnectionError, match="does not respond"):
        await slack.deliver_to("http://127.0.0.1:9/slack/events")


async def test_events_are_signed_and_acknowledged_with_status_200(slack: SlackServer, receiver: Receiver) -> None:
    await slack.deliver_to(receiver.url)
    slack.say("owner", "ops", "hello")
    await slack.wait_for(lambda: slack.acknowledged)
    assert receiver.signatures == [True, True]
    assert (receiver.bodies[0]["type"], receiver.bodies[0]["event"]["text"]) == ("event_callback", "hello")
    assert "x-slack-retry-num" not in receiver.headers[0]


async def test_waiting_events_are_delivered_once_the_address_is_set(slack: SlackServer, receiver: Receiver) -> None:
    slack.say("owner", "ops", "early")
    await slack.deliver_to(receiver.url)
    await slack.wait_for(lambda: slack.acknowledged)
    assert receiver.bodies[0]["event"]["text"] == "early"


async def test_a_failed_delivery_is_retried_with_its_number_and_reason(slack: SlackServer, receiver: Receiver) -> None:
    await slack.deliver_to(receiver.url)
    receiver.responses = [web.Response(status=500), web.Response(status=302, headers={"Location": "/"})]
    slack.say("owner", "ops", "hello")
    await slack.wait_for(lambda: slack.acknowledged)
    retries = [(h.get("x-slack-retry-num"), h.get("x-slack-retry-reason")) for h in receiver.headers]
    assert retries == [(None, None), ("1", "http_error"), ("2", "http_error")]
    assert len({body["event_id"] for body in receiver.bodies}) == 1


async def test_slack_gives_up_after_three_retries(slack: SlackServer, receiver: Receiver) -> None:
    await slack.deliver_to(receiver.url)
    receiver.responses = [web.Response(status=500) for _ in range(9)]
    slack.say("owner", "ops", "hello")
    await slack.wait_for(lambda: slack.counters["given_up"])
    assert len(receiver.bodies) == 4


async def test_an_app_can_prevent_retries(slack: SlackServer, receiver: Receiver) -> None:
    await slack.deliver_to(receiver.url)
    receiver.responses = [web.Response(status=500, headers={"x-slack-no-retry": "1"})]
    slack.say("owner", "ops", "hello")
    await slack.wait_for(lambda: slack.counters["given_up"])
    assert len(receiver.bodies) == 1


async def test_an_unreachable_app_counts_as_a_failed_connection(slack: SlackServer) -> None:
    await slack.deliver_to("http://127.0.0.1:9/slack/events", verify=False)
    slack.say("owner", "ops", "hello")
    await slack.wait_for(lambda: slack.counters["given_up"])
    assert next(iter(slack.unacknowledged.values())).reason == "connection_failed"


async def test_a_late_response_counts_as_a_timeout() -> None:
    async with SlackServer(acknowledgement_seconds=RETRY_SECONDS) as slack, SlackServer() as slow_app:
        slow_app.conditions.latency_seconds = 60
        await slack.deliver_to(f"{slow_app.api_url}slack.events", verify=False)
        slack.raw_event({"type": "marker"})
        await slack.wait_for(lambda: slack.counters["http_failures"])
        assert next(iter(slack.unacknowledged.values())).reason == "http_timeout"


async def test_many_events_are_delivered_concurrently(slack: SlackServer, receiver: Receiver) -> None:
    await slack.deliver_to(receiver.url)
    for number in range(200):
        slack.say("owner", "ops", str(number))
    await slack.wait_for(lambda: len(slack.acknowledged) == 200)
    texts = {body["event"]["text"] for body in receiver.bodies}
    assert texts == {str(number) for number in range(200)}


async def test_discarded_events_are_not_delivered(slack: SlackServer, receiver: Receiver) -> None:
    await slack.deliver_to(receiver.url)
    slack.say("owner", "ops", "lost")
    slack.deliveries.discard_unacknowledged()
    slack.say("owner", "ops", "sent")
    await slack.wait_for(lambda: slack.acknowledged)
    assert [body["event"]["text"] for body in receiver.bodies] == ["sent"]


async def test_delivery_can_return_to_socket_mode(
    slack: SlackServer, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    await slack.deliver_to(receiver.url)
    await slack.deliver_by_socket()
    app = SlackApp(slack, session)
    async with await app.open_socket() as socket:
        slack.say("owner", "ops", "hello")
        assert (await app.event(socket))["text"] == "hello"
    assert not receiver.bodies


def test_the_sdk_accepts_the_signature() -> None:
    now = int(time.time())
    headers = signed_headers("secret", b'{"a": 1}', now)
    assert SignatureVerifier("secret").is_valid_request(b'{"a": 1}', headers)
    assert not SignatureVerifier("other").is_valid_request(b'{"a": 1}', headers)
