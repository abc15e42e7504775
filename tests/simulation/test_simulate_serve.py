"""`flyte-slack simulate --serve`: both simulated servers for another pack."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.simulated import simulate, started


@contextmanager
def pack(environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the daemon as a process with only these variables."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FLYTE")}
    own = {"FLYTE_SLACK_STORAGE": "memory:", "FLYTE_SLACK_HTTP_PORT": "0", "LOGLEVEL": "error"}
    program = (sys.executable, "-c", "from entrypoints.cli.commands import main; main()")
    with subprocess.Popen(program, env={**ours, **own, **environment}) as process:  # noqa: S603 - our own program
        try:
            yield process
        finally:
            process.terminate()


def test_a_pack_with_the_printed_variables_answers_messages() -> None:
    with started("--serve", "--explain") as simulation:
        assert simulation.stdin is not None
        assert simulation.stdout is not None
        environment = {}
        for line in simulation.stdout:
            match = re.fullmatch(r"export (\w+)=(\S+)\n", line)
            if match:
                environment[match[1]] = match[2]
            elif environment:
                break
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

    assert "FLYTE_SLACK_TOKEN" in environment
    assert [line for line in output if ">>> hello" in line]
    assert not [line for line in output if "did not report" in line]


def test_it_keeps_running_when_standard_input_ends() -> None:
    with started("--serve") as simulation:
        assert simulation.stdin is not None
        assert simulation.stdout is not None
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
        assert simulation.stdout is not None
        simulation.stdout.readline()
        port = re.search(r":(\d+)", simulation.stdout.readline())
        assert port
        with started("--serve", "--flyte-port", port[1]) as second:
            assert second.stderr is not None
            assert second.wait(15) == 1
            error = second.stderr.read()
        simulation.terminate()

    assert error.startswith("a port is taken (")
    assert "change or omit --slack-port, --flyte-port or --page-port" in error


def test_serve_and_in_memory_exclude_each_other() -> None:
    done = simulate("", "--serve", "--in-memory")

    assert done.returncode == 2
    assert "--serve and --in-memory exclude each other" in done.stderr
