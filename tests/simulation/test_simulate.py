"""`flyte-slack simulate` as a process: its input, output and exit status."""

import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.simulated import PROGRAM, simulate, started

ECHO = re.compile(r"#general flyte: <@U\w+>, you said:\n +>>> hello world\n")

UNREACHABLE_PROXIES = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), ""),
}


@pytest.mark.parametrize("ends", [(), ("--in-memory",)], ids=["loopback", "in memory"])
def test_the_echo_flow_answers_regardless_of_proxy_settings(ends: tuple[str, ...]) -> None:
    done = simulate("echo hello world\n", *ends, environment=UNREACHABLE_PROXIES)

    assert ECHO.search(done.stdout), done
    assert done.stdout.startswith("#general alice: echo hello world\n")
    assert (done.returncode, done.stderr) == (0, "")


def test_log_level_shows_the_log_on_standard_error() -> None:
    done = simulate("echo hello world\n", "--log-level", "info")

    assert '"event": "message_delivered"' in done.stderr
    assert "message_delivered" not in done.stdout


def test_an_invalid_line_is_reported_and_the_others_are_posted() -> None:
    done = simulate("/nonsense\necho hello world\n")

    assert done.stderr.startswith("line 1: there is no command /nonsense; /help lists them.")
    assert ECHO.search(done.stdout)
    assert done.returncode == 1


@pytest.mark.parametrize("ends", [(), ("--in-memory",)], ids=["loopback", "in memory"])
def test_a_flow_that_cannot_run_ends_a_pipe_with_status_1_and_the_reason(tmp_path: Path, ends: tuple[str, ...]) -> None:
    flow = tmp_path / "flow.yaml"
    flow.write_text(
        "name: odd\nsteps:\n- id: asked\n  event: {packName: Slack, name: ReceivedMessage}\n"
        "  criteria: '{{ Event.Payload.message|upper }}'\n"
        "  command: {packName: Slack, name: Broadcast, input: {message: hi}}\n"
    )

    done = simulate("true\nmaybe\nmaybe\ntrue\n", "--flow", flow, *ends)

    assert done.stderr == (
        "line 2: flow odd, step asked cannot run: criteria: renders to 'MAYBE', which is neither True nor False\n"
    )
    assert done.stdout.count("#general flyte: hi") == 2
    assert done.returncode == 1


def test_a_file_of_another_kind_is_named_for_what_it_is() -> None:
    flow, pack = "examples/flows/approval.yaml", "examples/packs/deployer.yaml"
    tests = "examples/flows/tests/approval.yaml"

    assert (
        f"{tests}: this is a file of tests, not a flow; run it with flyte-slack" in simulate("", "--flow", tests).stderr
    )
    assert f"{pack}: this is a pack, not a flow; use it with --pack" in simulate("", "--flow", pack).stderr
    assert "this is a flow, not a pack; use it with --flow" in simulate("", "--pack", flow).stderr


def test_an_invalid_flow_is_rejected_with_file_step_and_column(tmp_path: Path) -> None:
    flow = tmp_path / "bad.yaml"
    flow.write_text(
        "name: bad\nsteps:\n- id: one\n  event: {packName: Slack, name: ReceivedMessage}\n"
        "  criteria: '{% include \"x\" %}'\n  command: {packName: Slack, name: Broadcast}\n"
    )

    done = simulate("", "--flow", flow)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"{flow}:5:17: step 'one', criteria: the tag 'include'" in done.stderr


@pytest.mark.parametrize("entered", ["", " \n\n"])
def test_an_empty_input_is_a_normal_end_that_says_what_to_do_instead(entered: str) -> None:
    done = simulate(entered, "--in-memory")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("Standard input is empty")
    assert "echo hello | flyte-slack simulate" in done.stderr


def test_a_closed_output_is_a_normal_end() -> None:
    with started() as simulation:
        simulation.stdout.close()
        simulation.stdin.write("echo a\necho b\n")
        simulation.stdin.close()

        assert simulation.stderr.read() == ""
        assert simulation.wait(10) == 0


def test_it_runs_with_closed_standard_streams() -> None:
    done = subprocess.run(  # noqa: S602 - our own program, and a shell to close its streams
        f"{shlex.join(PROGRAM)} --in-memory <&- >&- 2>&-",
        shell=True,
        input="echo hello\n",
        text=True,
        check=False,
        timeout=20,
    )

    assert done.returncode == 0


def test_a_recording_for_which_there_is_no_space_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    command = shlex.join([*PROGRAM, "--in-memory", "--record", str(path)])
    done = subprocess.run(  # noqa: S602 - our own program, and a shell to limit the size of its files
        f"ulimit -f 2; {command}",
        shell=True,
        input="echo hello\necho hello\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )

    assert done.stdout.count("you said") == 2
    assert done.stderr == f"--record: {path} is incomplete: File too large\n"
    assert done.returncode == 1


@pytest.mark.parametrize("options", [("--in-memory",), ("--serve",), ("--slack-only",)], ids=" ".join)
def test_a_full_output_is_reported_in_one_line(options: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603 - our own program
            [*PROGRAM, *options],
            input="hello\n",
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=20,
        )

    assert done.stderr == "flyte-slack: can't write to standard output: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (["--in-memory", "--page-port", "0"], "--in-memory opens no socket, and has no page: omit --page-port"),
        (["--in-memory", "--slack-port", "1", "--flyte-port", "2"], "omit --slack-port, --flyte-port"),
        (["--serve", "--labels", "a=b"], "--serve runs no pack with labels: set FLYTE_LABELS for your own pack"),
    ],
)
def test_options_without_an_effect_are_refused(options: list[str], advice: str) -> None:
    done = simulate("", *options)

    assert done.returncode == 2
    assert advice in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sigint_and_sigterm_end_the_simulation_with_status_0(number: signal.Signals) -> None:
    with started() as simulation:
        simulation.stdin.write("echo hello\n")
        simulation.stdin.flush()
        assert simulation.stdout.readline() == "#general alice: echo hello\n"
        simulation.send_signal(number)

        assert simulation.stderr.read() == ""
        assert simulation.wait(10) == 0


@pytest.mark.parametrize("ends", [(), ("--in-memory",)], ids=["loopback", "in memory"])
def test_flows_can_use_items_of_a_datastore_file(tmp_path: Path, ends: tuple[str, ...]) -> None:
    flow, items = tmp_path / "flow.yaml", tmp_path / "items.yaml"
    flow.write_text(
        "name: echo\nsteps:\n- comment: x\n  event: {packName: Slack, name: ReceivedMessage}\n"
        "  command: {packName: Slack, name: Broadcast, input: {message: \"{{ datastore('note') }}\"}}\n"
    )
    items.write_text("note: hello from the datastore\n")

    done = simulate("hi\n", "--flow", flow, "--datastore", items, *ends)

    assert "flyte: hello from the datastore" in done.stdout
    assert done.stderr.startswith(f"warning: {flow}:3:3: step 1, comment: unknown key 'comment'; ")
    assert done.returncode == 0


def test_an_invalid_datastore_file_is_rejected_with_its_position(tmp_path: Path) -> None:
    items = tmp_path / "items.yaml"
    items.write_text("note: 5\n")

    done = simulate("hi\n", "--datastore", items)

    assert done.stderr.startswith(f"{items}:1:1: note: expected a text or an object")
    assert done.returncode == 2


@pytest.mark.parametrize(("options", "answers"), [((), False), (("--built-in",), True)])
def test_built_in_flows_run_beside_own_ones_only_if_asked_for(
    options: tuple[str, ...], answers: bool, tmp_path: Path
) -> None:
    flow = tmp_path / "flow.yaml"
    flow.write_text("name: own\nsteps: []\n")

    done = simulate("/flows\necho hello world\n", "--in-memory", "--flow", flow, *options)

    assert ("echo: Echo message" in done.stdout, bool(ECHO.search(done.stdout))) == (answers, answers)
