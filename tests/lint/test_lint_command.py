"""`flyte-slack lint`: arguments, formats and exit statuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from entrypoints.cli.commands import main
from entrypoints.lint.checks import CHECKS

GOOD = """\
name: greet
steps:
- id: hello
  event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Slack, name: SendMessage, input: {channelId: C1, message: hello}}
"""
BAD = GOOD.replace("ReceivedMessage", "MessageReceived")
PACK = "name: Deployer\ncommands: {Deploy: {event: Deployed}}\n"
DEPLOYS = GOOD.replace(
    "  command: {packName: Slack, name: SendMessage, input: {channelId: C1, message: hello}}",
    "  command: {packName: Deployer, name: Deploy}\n"
    "- dependsOn: [hello]\n"
    "  event: {packName: Deployer, name: DeployDone}\n"
    "  command: {packName: Slack, name: SendMessage, input: {channelId: C1, message: hello}}",
)


def lint(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, ["lint", *map(str, arguments)], env=environment)


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_flow_without_mistakes_prints_nothing_and_ends_with_0(tmp_path: Path) -> None:
    done = lint(written(tmp_path / "greet.yaml", GOOD))

    assert (done.exit_code, done.output) == (0, "")


def test_a_mistake_is_a_line_like_a_compiler_s_and_ends_with_1(tmp_path: Path) -> None:
    path = written(tmp_path / "greet.yaml", BAD)
    done = lint(path)

    assert done.exit_code == 1
    assert done.stdout == (
        f"{path}:4:34: step 'hello', event.name: the pack Slack has no event MessageReceived; "
        "did you mean ReceivedMessage? [unknown-event]\n"
    )


def test_a_flow_in_json_is_read_as_json(tmp_path: Path) -> None:
    flow = {
        "name": "greet",
        "steps": [
            {
                "event": {"packName": "Slack", "name": "MessageReceived"},
                "criteria": "{{ Event.Payload.message|match:'\bhi' }}",
                "command": {"packName": "Slack", "name": "Broadcast", "input": {"message": "hello"}},
            }
        ],
    }
    done = lint(written(tmp_path / "greet.json", json.dumps(flow, indent=1)))

    assert "greet.json:7:14: step 1, event.name: the pack Slack has no event MessageReceived" in done.stdout
    assert "step 1, criteria: \\b in JSON is a backspace character; for a pattern write \\\\\\\\b [" in done.stdout


def test_a_directory_stands_for_the_flows_in_it_and_below(tmp_path: Path) -> None:
    written(tmp_path / "a.yaml", GOOD)
    written(tmp_path / "deeper" / "b.yml", BAD)
    written(tmp_path / "values.yaml", "replicas: 2\n")
    written(tmp_path / "notes.txt", BAD)
    written(tmp_path / "greet_test.yaml", "flows: [a.yaml]\ntests: []\n")
    done = lint(tmp_path)

    assert done.exit_code == 1
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [str(tmp_path / "deeper" / "b.yml")]


def test_a_flow_in_a_directory_that_yaml_cannot_read_is_reported(tmp_path: Path) -> None:
    written(tmp_path / "a.yaml", GOOD.replace("packName: Slack, name: R", 'packName: "Slack, name: R'))
    done = lint(tmp_path)

    assert done.exit_code == 1
    assert "a.yaml:" in done.stdout


def test_a_scripted_pack_tells_how_a_pack_answers(tmp_path: Path) -> None:
    pack, flow = written(tmp_path / "pack.yaml", PACK), written(tmp_path / "flow.yaml", DEPLOYS)
    expected = "Deployer never answers Deploy with DeployDone; did you mean Deployed?"

    assert lint(flow).exit_code == 0
    assert all(expected in lint(*given).stdout for given in ((flow, "--pack", pack), (tmp_path,), (pack, flow)))


def test_a_file_of_tests_is_left_out_with_a_word(tmp_path: Path) -> None:
    tests = written(tmp_path / "greet_test.yaml", "flows: [a.yaml]\ntests: []\n")
    done = lint(tests, written(tmp_path / "greet.yaml", GOOD))

    assert (done.exit_code, done.stdout) == (0, "")
    assert f"{tests}: this is a file of tests, not a flow; run it with flyte-slack test" in done.stderr


def test_a_file_of_another_kind_alone_is_named_for_what_it_is(tmp_path: Path) -> None:
    done = lint(written(tmp_path / "greet_test.yaml", "flows: [a.yaml]\ntests: []\n"))

    assert "this is a file of tests, not a flow; run it with flyte-slack test\nthere is no flow in" in done.stderr


@pytest.mark.parametrize("name", ["nope.yaml", "empty", "latin.yaml", "test.yaml"])
def test_an_argument_that_cannot_be_used_ends_with_2(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe4\n")
    written(tmp_path / "test.yaml", "tests: []\n")
    done = lint(tmp_path / name)

    assert (done.exit_code, done.stdout) == (2, "")
    assert name in done.stderr


def test_no_argument_ends_with_2() -> None:
    assert lint().exit_code == 2


def test_json_lists_the_findings_as_objects(tmp_path: Path) -> None:
    path = written(tmp_path / "greet.yaml", BAD)
    done = lint(path, "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout) == [
        {
            "file": str(path),
            "line": 4,
            "column": 34,
            "check": "unknown-event",
            "message": "step 'hello', event.name: the pack Slack has no event MessageReceived; "
            "did you mean ReceivedMessage?",
        }
    ]


def test_json_without_findings_is_an_empty_list(tmp_path: Path) -> None:
    assert json.loads(lint(written(tmp_path / "greet.yaml", GOOD), "--json").stdout) == []


def test_sarif_has_every_check_as_a_rule_and_every_finding_as_a_result(tmp_path: Path) -> None:
    path = written(tmp_path / "my flow.yaml", BAD)
    done = lint(path, "--sarif")
    log = json.loads(done.stdout)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    (result,) = run["results"]

    assert done.exit_code == 1
    assert (log["version"], run["columnKind"]) == ("2.1.0", "unicodeCodePoints")
    assert [rule["id"] for rule in rules] == [check.id for check in CHECKS]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "unknown-event"
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": path.as_uri()},
                "region": {"startLine": 4, "startColumn": 34},
            }
        }
    ]


def test_a_relative_path_stays_relative_in_sarif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "my flow.yaml", BAD)
    monkeypatch.chdir(tmp_path)
    (result,) = json.loads(lint("my flow.yaml", "--sarif").stdout)["runs"][0]["results"]

    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "my%20flow.yaml"}


def test_json_and_sarif_exclude_each_other(tmp_path: Path) -> None:
    assert lint(written(tmp_path / "greet.yaml", GOOD), "--json", "--sarif").exit_code == 2


def test_the_pack_s_name_is_that_of_the_operator(tmp_path: Path) -> None:
    path = written(tmp_path / "greet.yaml", BAD.replace("packName: Slack", "packName: Chat"))

    assert lint(path).exit_code == 0
    assert "the pack Chat has no event MessageReceived" in lint(path, "--pack-name", "Chat").stdout
    assert "the pack Chat has no event MessageReceived" in lint(path, PACK_NAME="Chat").stdout


def test_control_characters_of_a_flow_are_escaped(tmp_path: Path) -> None:
    path = written(tmp_path / "greet.yaml", GOOD.replace("ReceivedMessage", '"Message\\e[31m"'))

    assert "\x1b" not in lint(path).stdout


def test_a_flow_whose_steps_are_misspelt_is_a_flow(tmp_path: Path) -> None:
    done = lint(written(tmp_path / "greet.yaml", GOOD.replace("steps:", "step:")))

    assert done.exit_code == 1
    assert "unknown key 'step'; did you mean 'steps'?" in done.stdout


def test_a_scripted_pack_alone_is_named_for_what_it_is(tmp_path: Path) -> None:
    pack = written(tmp_path / "pack.yaml", PACK)

    assert lint(pack).stderr == (
        f"there is no flow in {pack}, only the pack Deployer: add the flows that send commands to it\n"
    )
    assert lint(pack).exit_code == 2
