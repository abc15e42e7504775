"""Scripted packs: their files and their answers."""

from pathlib import Path

import pytest

from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.models import ActionState
from entrypoints.simulation.flyte.scripted_pack import ScriptedPack, pack_from_file

ROTA = """
name: Rota
labels: {env: staging}
commands:
  WhoIsOnCall:
  - when: "{{ Input.team == 'db' }}"
    event: RotaMissing
    payload: {error: "no rota for {{ Input.team|upper }}"}
  - event: RotaRetrieved
    payload: {name: Grace, teams: ["{{ Input.team }}"], level: 2, isNight: false, note: null}
  Fail:
    when: "{{ Input.team }}"
    event: Never
  Break:
    event: Broken
    payload: "{{ Input.team|divisibleby:0 }}"
"""


async def answer(tmp_path: Path, command: str, command_input: object) -> tuple[str, object]:
    """Returns the event and payload with which the pack answers a command."""
    file = tmp_path / "rota.yaml"
    file.write_text(ROTA)
    flyte = Flyte()
    ScriptedPack(pack_from_file(file), flyte)
    action = flyte.actions[flyte.queue_action("Rota", command, command_input)]
    await flyte.wait_for(lambda: action.state.is_finished)
    assert action.result is not None
    assert (action.state is ActionState.FATAL) == (action.result.name == "FATAL")
    return action.result.name, action.result.payload


async def test_the_payload_of_an_answer_can_use_the_input(tmp_path: Path) -> None:
    payload = {"name": "Grace", "teams": ["web"], "level": 2, "isNight": False, "note": None}

    assert await answer(tmp_path, "WhoIsOnCall", {"team": "web"}) == ("RotaRetrieved", payload)


async def test_the_first_matching_answer_is_given(tmp_path: Path) -> None:
    assert await answer(tmp_path, "WhoIsOnCall", {"team": "db"}) == ("RotaMissing", {"error": "no rota for DB"})


async def test_an_unknown_command_is_fatal(tmp_path: Path) -> None:
    assert await answer(tmp_path, "Sing", {}) == ("FATAL", 'no handler could be found for command "Sing"')


async def test_a_command_without_a_matching_answer_is_fatal(tmp_path: Path) -> None:
    assert await answer(tmp_path, "Fail", {"team": "false"}) == (
        "FATAL",
        "the script of Rota has no answer to this Fail",
    )


async def test_a_condition_that_is_not_boolean_is_fatal(tmp_path: Path) -> None:
    event, reason = await answer(tmp_path, "Fail", {"team": "web"})

    assert event == "FATAL"
    assert reason == "the script of Rota failed: when: renders to 'web', which is neither True nor False"


async def test_a_pack_takes_only_actions_for_its_labels(tmp_path: Path) -> None:
    file = tmp_path / "rota.yaml"
    file.write_text(ROTA)
    flyte = Flyte()
    ScriptedPack(pack_from_file(file), flyte)

    assert list(flyte.packs) == ["Rota.env.staging"]
    assert flyte.packs["Rota.env.staging"].labels == {"env": "staging"}


REFUSED = {
    "name: Rota\n": "pack.yaml:1:1: commands: missing",
    "commands: {A: {event: B}}\n": "pack.yaml:1:1: name: missing",
    "name: Rota\ncommands:\n  A: {event: B, tune: x}\n": (
        "pack.yaml:3:17: commands.A.tune: unknown key 'tune'; expected one of: after, event, payload, when"
    ),
    "name: Rota\ncommands:\n  A:\n  - event: B\n  - payload: 1\n": "pack.yaml:5:5: commands.A[1].event: missing",
    "name: Rota\ncommands:\n  A: {event: B, payload: '{{ x'}\n": "pack.yaml:3:30: commands.A.payload: expected '}}', ",
    "name: Rota\ncommands:\n  A: {event: B, when: '{% include 1 %}'}\n": "pack.yaml:3:27: commands.A.when: the tag ",
    "name: Rota\ncommands: {A: [{event: B}, {event: B, tune: x}]}\n": "pack.yaml:2:39: commands.A[1].tune: unknown key",
    "name: [\n": "pack.yaml:2:1: ",
}


@pytest.mark.parametrize("text", REFUSED)
def test_an_invalid_script_is_rejected_with_its_location(text: str, tmp_path: Path) -> None:
    file = tmp_path / "pack.yaml"
    file.write_text(text)

    with pytest.raises(InvalidDocument) as refusal:
        pack_from_file(file)

    assert str(refusal.value).removeprefix(f"{tmp_path}/").startswith(REFUSED[text])


def test_a_script_can_be_json(tmp_path: Path) -> None:
    file = tmp_path / "pack.json"
    file.write_text('{"name": "Rota", "commands": {"A": {"event": "B", "payload": "x"}}}')

    script = pack_from_file(file)

    assert script.commands["A"][0].event == "B"
