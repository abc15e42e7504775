"""Actions and pages of the audit that are too large to be decoded: found by their size, and read in parts."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.flyte.json_splitter import JsonSplitter
from adapters.flyte.workflow import FlyteWorkflow
from application.ports.workflow import Completion
from domain.actions import ActionId
from domain.commands import Broadcast, Command, UnknownCommand, UnreadableCommand
from domain.errors import WorkflowInDoubt
from domain.events import Fatal
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.testing.strategies import json_values
from tests.contracts.workflow_contract import DEFINITION, LONG_AGO, NOON
from tests.support.flyte import registered
from tests.support.scripted_http import Request, flyte_registration, http_response, scripted_server

MEBIBYTE = 1024 * 1024
LINKS = b'"links": [{"rel": "x#/actionResult", "href": "{result}"}]'
TOO_LARGE = UnreadableCommand("Broadcast", "input is larger than 1 MiB")


@pytest.fixture
async def workflow(flyte: FlyteServer) -> AsyncIterator[FlyteWorkflow]:
    async with registered(flyte, timeout_seconds=60.0) as workflow:
        yield workflow


@pytest.mark.parametrize(
    "given_input",
    [
        b'{"message": "' + b"x" * 7_000_000 + b'"}',
        b'{"message": "' + b'\\"' * 3_500_000 + b'"}',
        b'{"message": "' + b"\\\\" * 3_500_000 + b'"}',
        b'{"message": "' + b"\\u003c" * 2_500_000 + b'"}',
        b'{"message": "hello", "x": [' + b"[]," * 2_300_000 + b"1]}",
        b'{"message": "hello", "x": [' + b'{"links": "command"},' * 340_000 + b"1]}",
        b'{"message": "hello", "x": ' + b"[" * 3_500_000 + b"]" * 3_500_000 + b"}",
        b"1" * 7_000_000,
        b"[" + b"1," * 600_000 + b"1]",
    ],
    ids=["text", "quotes", "backslashes", "escapes", "lists", "keys", "depth", "digits", "just above"],
)
async def test_an_action_with_a_large_input_is_fatal_whatever_it_is_made_of(
    flyte: FlyteServer, workflow: FlyteWorkflow, given_input: bytes
) -> None:
    flyte.queue_raw("Slack", b'{"command": "Broadcast", "input": ' + given_input + b", " + LINKS + b"}")
    action = await workflow.take()
    assert action is not None
    assert action.command == TOO_LARGE
    await workflow.complete(action.id, Fatal("x"), NOON)
    assert len(flyte.results) == 1


@pytest.mark.parametrize(
    ("body", "command"),
    [
        (b'{%s, "input": "' + b"x" * 2_000_000 + b'", "command": "Broadcast"}', TOO_LARGE),
        (b'{"input": "' + b"x" * 2_000_000 + b'", "command": "Shout", %s}', UnknownCommand("Shout")),
        (b'{"input": "' + b"x" * 2_000_000 + b'", %s}', UnknownCommand("")),
        (b'{"command": "' + b"x" * 2_000_000 + b'", %s}', UnknownCommand("")),
        (
            b'{"x": "' + b"x" * 2_000_000 + b'", "command": "Broadcast", "input": {"message": "hello"}, %s}',
            Broadcast("hello"),
        ),
    ],
    ids=["another order", "unknown command", "no command", "long command", "large unknown key"],
)
async def test_command_and_link_of_a_large_action_are_found_wherever_they_stand(
    flyte: FlyteServer, workflow: FlyteWorkflow, body: bytes, command: Command
) -> None:
    flyte.queue_raw("Slack", body.replace(b"%s", LINKS))
    action = await workflow.take()
    assert action is not None
    assert action.command == command
    await workflow.complete(action.id, Fatal("x"), NOON)


@pytest.mark.parametrize("text", ["<" * 1_000_000, "ö" * 500_000, "😀" * 250_000])
async def test_an_input_of_legal_size_is_read_however_long_its_escapes_make_it(
    flyte: FlyteServer, workflow: FlyteWorkflow, text: str
) -> None:
    escaped = "".join(f"\\u{int.from_bytes(unit, 'big'):04x}" for unit in _utf_16_units(text))
    flyte.queue_raw(
        "Slack", b'{"command": "Broadcast", "input": {"message": "' + escaped.encode() + b'"}, ' + LINKS + b"}"
    )
    action = await workflow.take()
    assert action is not None
    assert action.command == Broadcast(text)


def _utf_16_units(text: str) -> list[bytes]:
    encoded = text.encode("utf-16-be")
    return [encoded[at : at + 2] for at in range(0, len(encoded), 2)]


async def test_a_large_action_takes_little_memory_and_lets_others_work_meanwhile() -> None:
    body = b'{"command": "Broadcast", "input": [' + b"[]," * 5_000_000 + b"1], " + LINKS + b"}"
    answer = http_response(200, body)
    slowest = 0.0

    async def watch() -> None:
        nonlocal slowest
        while True:
            before = time.thread_time()  # of the CPU, whatever else the machine does
            await asyncio.sleep(0)
            slowest = max(slowest, time.thread_time() - before)

    async with scripted_server(lambda request: flyte_registration(request) or answer) as server:
        workflow = FlyteWorkflow(server.url, timeout_seconds=60.0)
        async with workflow.open():
            await workflow.register(DEFINITION)
            watching = asyncio.create_task(watch(), name="watch")
            tracemalloc.start()
            try:
                await workflow.take()
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
                watching.cancel()
    assert peak < 24 * MEBIBYTE
    assert slowest < 0.5  # tracing makes it several times slower


async def test_a_large_action_without_a_link_is_logged_and_set_aside(
    flyte: FlyteServer, workflow: FlyteWorkflow
) -> None:
    flyte.queue_raw("Slack", b'{"command": "Broadcast", "input": "' + b"x" * 2_000_000 + b'"}')
    with capture_logs() as logs:
        assert await workflow.take() is None
    assert [(entry["event"], entry["command"]) for entry in logs] == [("action_without_result_link", "Broadcast")]


@pytest.mark.parametrize("body", [b'{"command": "x' * 1_000_000, b"{" * 7_000_000])
async def test_a_large_response_that_is_no_json_is_in_doubt(
    flyte: FlyteServer, workflow: FlyteWorkflow, body: bytes
) -> None:
    flyte.queue_raw("Slack", body)
    with pytest.raises(WorkflowInDoubt, match="an action may be lost"):
        await workflow.take()


async def test_a_response_without_end_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = b"x" * (MEBIBYTE // 8)
    monkeypatch.setattr("adapters.flyte.body_readers.MEBIBYTE", len(chunk))
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        request = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = request.decode().split(" ", 2)
        head = {"host": f"127.0.0.1:{port}"}
        if answer := flyte_registration(Request(method, target, head, b"")):
            writer.write(answer)
        else:
            writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"command": "Broadcast", "input": "')
            try:
                while True:
                    writer.write(chunk)
                    await writer.drain()
                    served += len(chunk)
            except ConnectionError:
                pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        workflow = FlyteWorkflow(f"http://127.0.0.1:{port}", timeout_seconds=60.0)
        async with workflow.open():
            await workflow.register(DEFINITION)
            with pytest.raises(WorkflowInDoubt, match="returned more than 32 MiB"):
                await workflow.take()
    assert served < 300 * len(chunk)


def _run(action_id: str, **fields: Any) -> dict[str, Any]:
    action = {
        "id": action_id,
        "name": "Broadcast",
        "packName": "Slack",
        "packLabels": {"env": "test"},
        "input": {"message": "hello"},
        "state": {"value": "PENDING"},
    }
    return {"name": "f", "actions": {"1": action | fields}}


async def _open_actions(respond: Any) -> list[str]:
    async with scripted_server(lambda request: flyte_registration(request) or respond(request)) as server:
        workflow = FlyteWorkflow(server.url, timeout_seconds=60.0)
        async with workflow.open():
            await workflow.register(DEFINITION)
            found = await workflow.open_actions(LONG_AGO)
            action = ActionId(f"{server.url}/v1/packs/Slack/actions/nine/result")
            assert await workflow.completion_of(action) is Completion.UNKNOWN
    return [action.id.split("/")[-2] for action in found.taken]


async def test_open_actions_begin_with_the_oldest() -> None:
    def run(name: str, seconds_ago: int) -> dict[str, object]:
        taken_at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        return _run(name, state={"value": "PENDING", "time": f"{taken_at:%Y-%m-%dT%H:%M:%SZ}"})

    newest_first = [run("a4", 60), run("a3", 60), run("a1", 120), run("a2", 180)]
    assert await _open_actions(lambda _: http_response(200, json.dumps({"flows": newest_first}))) == [
        *("a2", "a1", "a3", "a4")
    ]


async def test_a_large_run_in_the_audit_is_skipped_and_logged_and_its_neighbors_are_read() -> None:
    runs = [_run("one"), _run("two", input=["x" * 3 * MEBIBYTE]), _run("three", input=[[]] * 1_500_000), _run("four")]
    page = http_response(200, json.dumps({"links": [], "flows": runs, "other": [[1], 2]}))
    with capture_logs() as logs:
        assert await _open_actions(lambda _: page) == ["four", "one"]
    assert [entry["event"] for entry in logs].count("audit_run_skipped") == 4  # in each of the two queries


async def test_a_page_of_the_audit_that_is_too_large_is_continued_with_a_smaller_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adapters.flyte.body_readers.MEBIBYTE", 4096)
    runs = [_run(str(number), note="x" * 2_000) for number in range(300)]
    asked: list[tuple[int, int]] = []

    def respond(request: Request) -> bytes:
        query = dict(pair.split("=") for pair in request.target.partition("?")[2].split("&"))
        start, limit = int(query["start"]), int(query["limit"])
        asked.append((start, limit))
        return http_response(200, json.dumps({"flows": runs[start : start + limit]}))

    found = await _open_actions(respond)
    assert sorted(found, key=int) == [str(number) for number in range(300)]
    assert asked[0] == (0, 200)
    assert 20 <= asked[1][1] < 200


async def test_a_run_that_fills_a_page_is_skipped_and_the_number_of_queries_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adapters.flyte.body_readers.MEBIBYTE", 512)
    queries = 0

    def respond(_: Request) -> bytes:
        nonlocal queries
        queries += 1
        return http_response(200, json.dumps({"flows": [_run("one", input="x" * 64_000)]}))

    with capture_logs() as logs:
        assert await _open_actions(respond) == []
    assert queries <= 212
    assert "audit_run_skipped" in {entry["event"] for entry in logs}


@given(st.dictionaries(st.text(), json_values, max_size=4), st.integers(1, 9), st.booleans())
def test_the_members_of_any_object_are_split(value: dict[str, Any], chunk: int, is_ascii: bool) -> None:
    parts, is_complete = _split(json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "replace"), 1, chunk)
    assert is_complete
    joined = b"{" + b",".join(part for _, part in parts) + b"}"
    assert json.loads(joined) == json.loads(json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "replace"))


@given(st.lists(json_values, max_size=4), json_values, st.integers(1, 9))
def test_the_elements_of_any_inner_list_are_split(value: list[Any], other: Any, chunk: int) -> None:
    parts, is_complete = _split(json.dumps({"a": other, "b": value, "c": {"b": other}}).encode(), 2, chunk)
    assert is_complete
    assert [json.loads(part) for lead, part in parts if lead == b' "b": [' and part] == value


def _split(text: bytes, depth: int, chunk: int) -> tuple[list[tuple[bytes, bytes]], bool]:
    splitter = JsonSplitter(depth, MEBIBYTE)
    pieces = [text[at : at + chunk] for at in range(0, len(text), chunk)]
    parts = [(part.lead, part.text) for piece in pieces for part in splitter.feed(piece)]
    return parts, splitter.is_complete
