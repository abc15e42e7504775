"""The command `flyte-slack test`."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from entrypoints.cli.commands import main
from tests.flow_tests.running import ECHO, write_test


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["test", *map(str, arguments)])


def test_passed_tests_are_counted(tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: echo a\n- expect: a")

    result = run(path)

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"{path}  1 test"
    assert result.stdout.splitlines()[-1].startswith("1 passed in ")


def test_a_failed_test_is_reported_and_sets_the_exit_status(tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: echo a\n- expect: b")

    result = run(path)

    assert result.exit_code == 1
    assert f'{path}:7 (step 2): the text is "a", not "b"' in result.stdout
    assert "      - #general flyte: b\n      + [2] #general flyte: a\n" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("0 passed, 1 failed in ")


def test_the_errors_of_all_files_are_reported_and_nothing_runs(tmp_path: Path) -> None:
    one, two = write_test(tmp_path, "- say: echo a"), tmp_path / "two.yaml"
    two.write_text("tests: [{name: it, steps: [{sya: a}]}]")

    result = run(one, two, tmp_path / "three.yaml")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean 'say'?" in result.stderr
    assert "three.yaml: cannot be read" in result.stderr


def test_a_folder_is_searched_for_tests_among_flows_and_packs(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    write_test(inner, "- say: echo a\n- expect: a")
    (tmp_path / "flow.yml").write_text(ECHO)

    assert run(tmp_path).stdout.splitlines()[0] == f"{inner / 'test.yaml'}  1 test"
    assert run(tmp_path / "**" / "te*.yaml").stdout.splitlines()[0] == f"{inner / 'test.yaml'}  1 test"


def test_a_flow_named_as_a_test_file_is_rejected(tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: a").with_name("flow.yaml")

    assert run(path).exit_code == 2


def test_tests_can_be_selected_by_name(tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: echo a\n- expect: a")
    path.write_text(path.read_text() + "- name: Another\n  steps:\n  - say: b\n")

    result = run(path, "-k", "another", "-v")

    assert "ok    Another" in result.stdout
    assert "ok    it" not in result.stdout
    assert run(path, "-k", "nope").exit_code == 2


def test_the_conversation_is_shown_on_request(tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: echo a\n- expect: a")

    assert "      [1] #general alice: echo a\n      [2] #general flyte: a\n" in run(path, "-vv").stdout


def test_results_are_written_as_junit_xml(tmp_path: Path) -> None:
    path = write_test(tmp_path, '- say: "echo <\\u0001&"\n- expect: b')
    path.write_text(path.read_text() + "- name: another\n  steps:\n  - say: b\n")
    junit = tmp_path / "junit.xml"

    run(path, "--junit", junit)

    suites = ET.parse(junit).getroot()  # noqa: S314 - our own
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    failed, passed = suites.findall("./testsuite/testcase")
    assert [case.get("name") for case in (failed, passed)] == ["it", "another"]
    failure = failed.find("failure")
    assert failure is not None
    assert str(failure.get("message")).startswith("the text is ")
    assert "- #general flyte: b" in str(failure.text)
    assert passed.find("failure") is None


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    result = run(write_test(tmp_path, "- say: a"), "--junit", tmp_path / "none" / "junit.xml")

    assert result.exit_code == 2
    assert "junit.xml can't be written: No such file or directory" in result.stderr
    assert "1 passed" in result.stdout


@pytest.mark.parametrize("text", ["[1, 2]", "5", "", "tests: {}", "[", json.dumps({"tests": [{"name": 5}]})])
def test_malformed_files_are_reported(text: str, tmp_path: Path) -> None:
    path = tmp_path / "test.yaml"
    path.write_text(text)

    result = run(path)

    assert result.exit_code == 2
    assert result.stderr.startswith(str(path))


def test_items_of_a_file_are_in_the_datastore_of_all_tests(tmp_path: Path) -> None:
    items = tmp_path / "items.json"
    items.write_text('{"word": "from the option", "other": {"a": "b"}}')
    flow = ECHO.replace("Event.Payload.message|slice:'5:'", "datastore('word')")
    path = write_test(tmp_path, "- say: echo a\n- expect: from the option", flow=flow)
    own = write_test(
        tmp_path / "own", "- say: echo a\n- expect: its own", flow=flow, head="datastore: {word: its own}\n"
    )

    assert run(path, own, "--datastore", items).exit_code == 0
    assert run(path).exit_code == 1


def test_an_invalid_file_of_items_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "items.json").write_text('{"word": [1]}')

    result = run(write_test(tmp_path, "- say: echo a\n- expect: a"), "--datastore", tmp_path / "items.json")

    assert result.exit_code == 2
    assert "items.json:1:2: word: expected a text or an object" in result.stderr


def test_what_the_server_ignores_in_a_flow_is_a_warning(tmp_path: Path) -> None:
    flow = ECHO.replace("- id: answer", "- id: answer\n  critreia: 'False'")

    result = run(write_test(tmp_path, "- say: echo a\n- expect: a", flow=flow))

    assert result.exit_code == 0
    assert result.stderr == (
        f"warning: {tmp_path / 'flow.yaml'}:5:3: step 'answer', critreia: unknown key 'critreia'; "
        "did you mean 'criteria'? [unknown-key]\n"
    )


def test_variables_of_the_environment_that_tests_ignore_are_told(tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: hi", head="settings: {FLYTE_SLACK_LISTEN: member}\n")
    environment = {"FLYTE_SLACK_EVENTS": "team_join", "FLYTE_SLACK_LISTEN": "member", "FLYTE_SLACK_TOKEN": "xoxb-1"}

    result = CliRunner().invoke(main, ["test", str(path)], env=environment)

    assert result.exit_code == 0
    assert result.stderr == "note: tests ignore FLYTE_SLACK_EVENTS of the environment; write it under `settings`\n"
