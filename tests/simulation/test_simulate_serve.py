"""`flyte-slack simulate --serve`: both ends for a pack of one's own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.simulated import simulate, started


@contextmanager
def pack(environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """The daemon as a process of its own, with these variables alone."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FLYTE")}
    own = {"FLYTE_SLACK_STORAGE": "memory:", "FLYTE_SLACK_HTTP_PORT": "0", "LOGLEVEL": "error"}
    program = (sys.executable, "-c", "from entrypoints.cli.commands import main; main()")
    with subprocess.Popen(program, env={**ours, **own, **environment}) as process:  # noqa: S603 - our own program
        try:
            yield process
        finally:
            process.terminate()


def test_a_pack_pointed_at_what_is_printed_takes_part_in_the_conversation() -> None:
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


def test_it_stays_when_its_standard_input_ends() -> None:
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


def test_a_port_that_is_taken_is_named() -> None:
    with started("--serve") as simulation:
        assert simulation.stdout is not None
        simulation.stdout.readline()
        port = re.search(r":(\d+)", simulation.stdout.readline())
        assert port
        with started("--serve", "--flyte-port", port[1]) as second:
            assert second.stderr is not None
            assert second.wait(15) == 1
            complaint = second.stderr.read()
        simulation.terminate()

    assert complaint.startswith("a port is taken (")
    assert "choose another --slack-port, --flyte-port or --page-port" in complaint


def test_serving_needs_sockets() -> None:
    done = simulate("", "--serve", "--in-memory")

    assert done.returncode == 2
    assert "--serve and --in-memory exclude each other" in done.stderr
