"""Flows run as on the real server: candidates, context, labels, criteria, input and dependent steps."""

from pathlib import Path
from typing import Any

import pytest

from entrypoints.simulation.flyte.flow_loader import BUILT_IN, Flow, flow_from_file, flow_from_values
from entrypoints.simulation.flyte.trace import StepFailed, StepMatched, StepUnmatched
from tests.simulation.flyte_pack import FlytePack, server_and_pack

MESSAGE = {"packName": "Slack", "name": "ReceivedMessage"}


def step(**more: Any) -> dict[str, Any]:
    return {"event": MESSAGE, "command": {"packName": "Slack", "name": "SendMessage"}, **more}


def flow(*steps: dict[str, Any], name: str = "test") -> Flow:
    return flow_from_values({"name": name, "steps": list(steps)}, "test")


async def test_the_echo_flow_replies_with_the_rest_of_the_message() -> None:
    async with server_and_pack(flows=[flow_from_file(BUILT_IN / "echo.yaml")]) as (_, pack):
        await pack.send_event("ReceivedMessage", {"message": "echo   two", "channelId": "C1", "user": {"id": "U1"}})
        taken = await pack.take()

    assert taken is not None
    assert taken.command == "SendMessage"
    assert taken.input == {"channelId": "C1", "message": "<@U1>, you said:\n>>>   two"}


@pytest.mark.parametrize("message", ["hello", "echo", "say echo x", " echo x", "echox"])
async def test_the_echo_flow_ignores_other_messages(message: str) -> None:
    async with server_and_pack(flows=[flow_from_file(BUILT_IN / "echo.yaml")]) as (flyte, pack):
        watch = flyte.subscribe()
        await pack.send_event("ReceivedMessage", {"message": message, "channelId": "C1", "user": {"id": "U1"}})
        assert await pack.take() is None
        evaluations = [one for one in watch.drain() if isinstance(one, StepUnmatched)]

    assert [(one.rendered, one.context["Channel"]) for one in evaluations] == [("False", "C1")]


async def test_the_deployment_flow_passes_booleans_through() -> None:
    async with server_and_pack(flows=[flow_from_file(BUILT_IN / "announce_deployments.yaml")]) as (flyte, pack):
        flyte.raise_event("MyContinuousDeploymentToolPack", "DeploymentSucceeded")
        taken = await pack.take()

    assert taken is not None
    assert taken.command == "SendRichMessage"
    assert taken.input["channel"] == "ABCDEFG"
    assert taken.input["attachments"][0]["fields"][0] == {
        "title": "Artefact",
        "value": "YOURAPP.0.1.641",
        "short": True,
    }


ON_CALL = flow_from_file(Path(__file__).parent / "on_call.yaml")


async def run_on_call(exit_code: int, thread: str = "") -> list[object]:
    """Runs the flow with an exit code of the Rota pack; returns the inputs of the Slack pack's actions."""
    async with server_and_pack(flows=[ON_CALL]) as (flyte, stranger):
        slack = await FlytePack.register(stranger.session, flyte.api_url, labels={"env": "staging", "region": "eu"})
        rota = await FlytePack.register(stranger.session, flyte.api_url, "Rota")
        payload = {
            "message": "flyte  on-call",
            "channelId": "C1",
            "user": {"id": "U1"},
            "timestamp": "1.5",
            "threadTimestamp": thread,
        }
        await stranger.send_event("ReceivedMessage", payload)
        assert await rota.take() is None, "a pack without the label starts no run"
        await slack.send_event("ReceivedMessage", payload)
        asked = await rota.take()
        assert asked is not None
        assert (asked.command, asked.input) == ("WhoIsOnCall", {"team": "U1"})
        await rota.send_event("RotaRetrieved", {"exit_code": 0, "name": "A stranger's answer"})
        await rota.complete(asked, "RotaRetrieved", {"exit_code": exit_code, "name": "Zoë"})
        return [taken.input for taken in [await slack.take()] if taken]


async def test_the_on_call_flow_asks_another_pack_and_replies() -> None:
    assert await run_on_call(0) == [{"channelId": "C1", "threadTimestamp": "1.5", "message": "Zoë is on call"}]


async def test_the_on_call_flow_replies_in_the_thread() -> None:
    assert await run_on_call(0, thread="1.2") == [
        {"channelId": "C1", "threadTimestamp": "1.2", "message": "Zoë is on call"}
    ]


async def test_the_on_call_flow_sends_nothing_when_the_rota_failed() -> None:
    assert await run_on_call(1) == []


async def test_strings_of_an_input_are_templates_and_other_values_pass_through() -> None:
    wanted = {"a": ["{{ Event.Payload.n|integer }}", 5, 2.5, True, {"b": "{{ Event.Name }}"}], "c": {}}
    asked = step(command={"packName": "Slack", "name": "X", "input": wanted})
    async with server_and_pack(flows=[flow(asked)]) as (_, pack):
        await pack.send_event("ReceivedMessage", {"n": 7})
        taken = await pack.take()

    assert taken is not None
    assert taken.input == {"a": ["7", 5, 2.5, True, {"b": "ReceivedMessage"}], "c": {}}


async def test_a_flow_whose_template_changes_the_event_creates_no_action_nor_do_others_of_the_event() -> None:
    def asking(message: str) -> dict[str, object]:
        return step(command={"packName": "Slack", "name": "X", "input": message})

    poisoning, other = "{{ template('{{ a }}', Event.Payload.map) }}", "{{ template('{{ a }}', Context) }}"
    flows = [flow(asking(poisoning), name="first"), flow(asking(other), name="second")]
    async with server_and_pack(flows=flows) as (_, pack):
        await pack.send_event("ReceivedMessage", {"map": {"a": 1}})
        assert await pack.take() is None

        await pack.send_event("ReceivedMessage", {"map": "no map"})
        taken = await pack.take()

    assert taken is not None
    assert taken.input == ""


@pytest.mark.parametrize("written", ["1", "t", "T", "TRUE", "true", "True", "{{ 1 == 1 }}", ""])
async def test_criteria_are_met_by_each_of_gos_spellings_of_true(written: str) -> None:
    async with server_and_pack(flows=[flow(step(criteria=written))]) as (flyte, pack):
        await pack.send_event("ReceivedMessage")
        assert await pack.take() is not None
        assert len(flyte.actions) == 1


@pytest.mark.parametrize("written", ["0", "f", "F", "FALSE", "false", "False", "{{ 1 == 2 }}"])
async def test_criteria_are_not_met_by_each_of_gos_spellings_of_false(written: str) -> None:
    async with server_and_pack(flows=[flow(step(id="s", criteria=written))]) as (flyte, pack):
        watch = flyte.subscribe()
        await pack.send_event("ReceivedMessage")
        assert await pack.take() is None
        evaluations = [one for one in watch.drain() if isinstance(one, StepUnmatched)]

    assert [(one.flow, one.step, one.criteria, one.reason) for one in evaluations] == [
        ("test", "s", written, "the criteria are not met")
    ]


@pytest.mark.parametrize(
    ("written", "error"), [("yes", "'yes'"), ("{{ Event.Payload.nope }}", "''"), (" True", "' True'")]
)
async def test_criteria_that_are_neither_true_nor_false_are_an_error(written: str, error: str) -> None:
    async with server_and_pack(flows=[flow(step(criteria=written))]) as (flyte, pack):
        watch = flyte.subscribe()
        await pack.send_event("ReceivedMessage")
        assert await pack.take() is None
        evaluations = [one for one in watch.drain() if isinstance(one, StepFailed)]

    assert [(one.part, one.error) for one in evaluations] == [
        ("criteria", f"renders to {error}, which is neither True nor False")
    ]


async def test_a_step_whose_template_fails_is_skipped_and_the_others_run() -> None:
    broken = step(id="broken", context={"X": "{{ Event.Payload.message.nope }}"})
    async with server_and_pack(flows=[flow(broken, step(id="whole"))]) as (flyte, pack):
        watch = flyte.subscribe()
        await pack.send_event("ReceivedMessage", {"message": "hi"})
        assert await pack.take() is not None
        assert await pack.take() is None
        evaluations = [one for one in watch.drain() if isinstance(one, StepFailed | StepMatched)]

    failed, matched = evaluations
    assert isinstance(failed, StepFailed)
    assert (failed.step, failed.part) == ("broken", "context.X")
    assert failed.error == "line 1, column 4: 'Event.Payload.message.nope': a string has no fields"
    assert (matched.step, matched.run_id) == ("whole", failed.run_id)


async def test_the_context_is_merged_into_that_of_the_previous_step() -> None:
    first = step(id="first", context={"A": "1", "B": "b{{ Event.Payload.n }}"})
    second = step(
        id="second",
        dependsOn=["first"],
        event={"packName": "Slack", "name": "MessageSent"},
        context={"A": "{{ Context.A }}2", "C": "{{ Context.B }}c{{ Context.A }}"},
        command={"packName": "Slack", "name": "X", "input": "{{ Context.A }} {{ Context.B }} {{ Context.C }}"},
    )
    async with server_and_pack(flows=[flow(first, second)]) as (_, pack):
        await pack.send_event("ReceivedMessage", {"n": "x"})
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "MessageSent")
        after = await pack.take()

    assert after is not None
    assert after.input == "12 bx bxc1"


async def test_a_step_needs_only_one_of_its_dependencies() -> None:
    sent = {"packName": "Slack", "name": "MessageSent"}
    steps = [
        step(id="a", criteria="{{ Event.Payload.message == 'a' }}"),
        step(id="b", criteria="{{ Event.Payload.message == 'b' }}"),
        step(id="after", dependsOn=["a", "b"], event=sent, command={"packName": "Slack", "name": "After"}),
    ]
    async with server_and_pack(flows=[flow(*steps)]) as (_, pack):
        await pack.send_event("ReceivedMessage", {"message": "b"})
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "MessageSent")
        after = await pack.take()

    assert after is not None
    assert after.command == "After"


async def test_a_result_starts_new_runs_before_its_own_run_continues() -> None:
    sent = {"packName": "Slack", "name": "MessageSent"}
    own = flow(step(id="a"), step(id="own", dependsOn=["a"], event=sent, command={"packName": "Slack", "name": "Own"}))
    new = flow(step(id="new", event=sent, command={"packName": "Slack", "name": "New"}), name="other")
    async with server_and_pack(flows=[own, new]) as (_, pack):
        await pack.send_event("ReceivedMessage")
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "MessageSent")
        commands = [after.command for after in (await pack.take(), await pack.take()) if after]

    assert commands == ["New", "Own"]


async def test_a_fatal_result_continues_the_run() -> None:
    fatal = {"packName": "Slack", "name": "FATAL"}
    steps = [
        step(id="a"),
        step(id="sorry", dependsOn=["a"], event=fatal, command={"packName": "Slack", "name": "Sorry"}),
    ]
    async with server_and_pack(flows=[flow(*steps)]) as (_, pack):
        await pack.send_event("ReceivedMessage")
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "FATAL", "went wrong")
        after = await pack.take()

    assert after is not None
    assert after.command == "Sorry"


async def test_a_step_runs_once_per_run() -> None:
    again = flow(
        step(id="a", event={"packName": "Slack", "name": "Ping"}, command={"packName": "Slack", "name": "Ping"})
    )
    async with server_and_pack(flows=[again]) as (flyte, pack):
        await pack.send_event("Ping")
        taken = await pack.take()
        assert taken is not None
        await pack.complete(taken, "Ping")
        assert await pack.take() is not None, "the result started a run of its own"
        assert len(flyte.runs()) == 2


async def test_two_entry_steps_for_one_event_start_one_run() -> None:
    async with server_and_pack(flows=[flow(step(id="a"), step(id="b"))]) as (flyte, pack):
        await pack.send_event("ReceivedMessage")
        await flyte.wait_for(lambda: flyte.waiting() == 2)
        assert len(flyte.runs()) == 1


@pytest.mark.parametrize(("labels", "is_taken"), [({"env": "dev"}, True), ({"env": "live"}, False), ({}, False)])
async def test_an_action_is_for_packs_that_have_its_labels(labels: dict[str, str], *, is_taken: bool) -> None:
    labelled = {"packName": "Slack", "packLabels": {"env": "{{ Event.Payload.env }}"}, "name": "SendMessage"}
    async with server_and_pack(flows=[flow(step(command=labelled))]) as (flyte, stranger):
        pack = await FlytePack.register(stranger.session, flyte.api_url, labels=labels)
        await stranger.send_event("ReceivedMessage", {"env": "dev"})
        assert await stranger.take() is None
        assert (await pack.take() is not None) is is_taken


async def test_a_flow_sees_the_event_its_pack_and_its_times() -> None:
    seen = (
        "{{ Event.Name }} {{ Event.Pack.Name }} {{ Event.Pack.Id }} {{ Event.Pack.Labels.env }} {{ Event.CreatedAt }}"
    )
    asked = step(command={"packName": "Slack", "name": "X", "input": seen})
    async with server_and_pack(flows=[flow(asked)]) as (flyte, stranger):
        pack = await FlytePack.register(stranger.session, flyte.api_url, labels={"env": "dev"})
        await pack.send_event("ReceivedMessage", createdAt="2024-03-01T11:05:07.25+02:00")
        taken = await pack.take()

    assert taken is not None
    assert taken.input == "ReceivedMessage Slack Slack.env.dev dev 2024-03-01 11:05:07.25 +0200 +0200"


async def test_a_flow_runs_from_when_it_is_added_until_it_is_removed() -> None:
    async with server_and_pack() as (flyte, pack):
        await pack.send_event("ReceivedMessage")
        flyte.add_flow(flow(step(id="a")))
        await pack.send_event("ReceivedMessage")
        flyte.remove_flow("test")
        await pack.send_event("ReceivedMessage")
        await flyte.wait_for(lambda: len(flyte.events) == 3)

        assert flyte.waiting() == 1


async def test_a_flow_replaces_another_of_the_same_name() -> None:
    async with server_and_pack(flows=[flow(step(id="a", command={"packName": "Slack", "name": "Old"}))]) as (
        flyte,
        pack,
    ):
        flyte.add_flow(flow(step(id="a", command={"packName": "Slack", "name": "New"})))
        await pack.send_event("ReceivedMessage")
        taken = await pack.take()
        assert taken is not None
        assert taken.command == "New"
        assert await pack.take() is None


async def test_flows_run_after_the_flow_delay() -> None:
    async with server_and_pack(flows=[flow(step(id="a"))], flow_delay_seconds=0.05) as (flyte, pack):
        assert await pack.send_event("ReceivedMessage") == 202
        assert flyte.waiting() == 0
        await flyte.wait_for(lambda: flyte.waiting() == 1)


async def test_lone_surrogates_are_replaced_before_a_flow_sees_them() -> None:
    asked = step(
        command={
            "packName": "Slack",
            "name": "X",
            "input": "{{ Event.Payload.message|match:'x' }}{{ Event.Payload.message }}",
        }
    )
    async with server_and_pack(flows=[flow(asked)]) as (flyte, pack):
        body = rb'{"event": "ReceivedMessage", "payload": {"message": "\ud83dx\ud83d\ude00"}}'
        async with pack.session.post(pack.event_url, data=body) as response:
            assert response.status == 202
        taken = await pack.take()
        assert flyte.events[0].payload == {"message": "\ufffdx\U0001f600"}

    assert taken is not None
    assert taken.input == "True\ufffdx\U0001f600"
