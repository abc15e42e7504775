"""`flyte-slack simulate --serve`: both simulated servers for another pack."""

import re
import socket
from collections.abc import Iterable
from contextlib import AbstractContextManager

import pytest

from tests.support.forked_process import ForkedProgram, forked_program
from tests.support.pages import page, titled_blocks
from tests.support.simulated import simulate, started


def pack(environment: dict[str, str]) -> AbstractContextManager[ForkedProgram]:
    """Runs the daemon as a process with only these variables."""
    own = {"FLYTE_SLACK_STORAGE": "memory:", "FLYTE_SLACK_HTTP_PORT": "0", "LOGLEVEL": "error"}
    return forked_program({**own, **environment})


def read_header(output: Iterable[str]) -> str:
    """Reads what a simulation prints before the conversation."""
    lines = []
    for line in output:
        lines.append(line)
        if line.startswith("# Web page"):
            break
    return "".join(lines)


def variables_in(header: str) -> dict[str, str]:
    return dict(re.findall(r"^export (\w+)=(\S+)$", header, re.MULTILINE))


def without_ports(text: str) -> str:
    return re.sub(r"((?<=:)|(?<=PORT=))\d+", "PORT", text)


def free_address() -> str:
    """Returns the address of a pack that is not running yet."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/slack/events"


@pytest.mark.parametrize(
    "options", [[], ["--classic"], ["--deliver-to", free_address()]], ids=["Socket Mode", "RTM", "HTTP"]
)
def test_a_pack_with_the_documented_variables_answers_messages(options: list[str]) -> None:
    with started("--serve", "--explain", *options) as simulation:
        header = read_header(simulation.stdout)
        environment = variables_in(header)
        with pack(environment):
            for line in simulation.stdout:
                if "#deployments" in line:  # the last of the channels that it joins
                    break
            simulation.stdin.write("echo hello\n")
            simulation.stdin.flush()
            output = []
            for line in simulation.stdout:
                output.append(line)
                if "answer  Slack MessageSent" in line:
                    break
        simulation.terminate()

    documented = titled_blocks(without_ports(page("simulation.md")))
    command = without_ports(" ".join(("flyte-slack simulate --serve", *options)))
    assert documented[command].startswith(without_ports(header))
    assert [line for line in output if ">>> hello" in line]
    assert not [line for line in output if "did not report" in line]


def test_it_says_what_keeps_it_from_delivering_requests_and_when_it_does() -> None:
    address = free_address()
    with started("--serve", "--deliver-to", address) as simulation:
        environment = variables_in(read_header(simulation.stdout))
        waiting = simulation.stdout.readline()
        with pack(environment):
            assert f"# Delivering events to {address}\n" in simulation.stdout
        simulation.terminate()

    assert waiting == f"# Waiting for {address}: the app does not respond: ClientConnectorError\n"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--classic"], "add --serve"),
        (["--deliver-to", "http://localhost/"], "add --serve"),
        (["--serve", "--classic", "--deliver-to", "http://localhost/"], "exclude each other"),
        (["--serve", "--deliver-to", "localhost:8090"], "not a URL such as http://127.0.0.1:8090/slack/events"),
        (["--serve", "--deliver-to", "http://localhost:port/"], "not a URL"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[str], error: str) -> None:
    done = simulate("", *options)

    assert done.returncode == 2
    assert error in done.stderr


def test_it_keeps_running_when_standard_input_ends() -> None:
    with started("--serve") as simulation:
        simulation.stdin.write("hello\n")
        simulation.stdin.close()
        output = ""
        while "#general alice: hello" not in output:
            output += simulation.stdout.readline()
        assert simulation.poll() is None
        simulation.terminate()

        assert simulation.wait(10) == 0


def test_a_taken_port_is_reported() -> None:
    with started("--serve") as simulation:
        simulation.stdout.readline()
        port = re.search(r":(\d+)", simulation.stdout.readline())
        assert port
        with started("--serve", "--flyte-port", port[1]) as second:
            assert second.wait(15) == 1
            error = second.stderr.read()
        simulation.terminate()

    assert error.startswith("a port is taken (")
    assert "change or omit --slack-port, --flyte-port or --page-port" in error


def test_serve_and_in_memory_exclude_each_other() -> None:
    done = simulate("", "--serve", "--in-memory")

    assert done.returncode == 2
    assert "--serve and --in-memory exclude each other" in done.stderr
