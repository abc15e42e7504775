"""Stands in for systemd, Docker, Compose and Kubernetes, so that the commands of the operators' guide can be executed.

What they would run in the pack's place, runs on this machine, in a directory of the test.
"""

import asyncio
import os
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.daemon_process import PROGRAM
from tests.support.pages import ROOT

_PACK: Final = """
    in_pack() {  # PROGRAM ARGUMENT...: what the image would run
        program=$1; shift
        exec "$program" "$@"
    }
    past_options() {  # prints how many words the options of `docker run` and the like take
        words=0
        while [ "${1#-}" != "$1" ] && [ "$1" != "-" ]; do
            case "$1" in
                --rm|-d|-i|-T|--read-only|--no-deps) shift; words=$((words + 1)) ;;
                --*=*) shift; words=$((words + 1)) ;;
                *) shift 2; words=$((words + 2)) ;;
            esac
        done
        echo $words
    }
    entrypoint_of() {
        program=flyte-slack
        while [ $# -gt 0 ]; do
            [ "$1" = --entrypoint ] && program=$2
            shift
        done
        echo "$program"
    }
"""
_DOCKER: Final = """
    if [ "$1" = compose ]; then
        shift 3  # compose -f FILE
    fi
    command=$1; shift
    all="$*"
    entrypoint=$(entrypoint_of "$@")
    shift "$(past_options "$@")"
    case "$command" in
        exec) shift; in_pack "$@" ;;
        run) shift; case "$all" in -d*) exit 0 ;; esac; in_pack "$entrypoint" "$@" ;;
    esac
"""
_KUBECTL: Final = """
    [ "$1" = exec ] || exit 0
    while [ "$1" != -- ]; do shift; done
    shift
    in_pack "$@"
"""
_SYSTEMD_RUN: Final = """
    while [ "${1#-}" != "$1" ]; do
        case "$1" in --setenv=*) export "${1#--setenv=}" ;; esac
        shift
    done
    exec "$@"
"""
_PYTHON3: Final = """
    mkdir -p "$3/bin"  # python3 -m venv DIRECTORY
    ln -s "$REAL_PROGRAM" "$3/bin/flyte-slack"
    printf '#!/bin/sh\\n' > "$3/bin/pip"
    chmod +x "$3/bin/pip"
"""
_STAND_INS: Final = {
    "docker": _PACK + _DOCKER,
    "kubectl": _PACK + _KUBECTL,
    "systemd-run": _SYSTEMD_RUN,
    "python3": _PYTHON3,
    "systemctl": "",
    "helm": "",
}
_OF_THE_MACHINE: Final = re.compile(
    r"(?<![\w/])/(var/lib/flyte-slack|opt/flyte-slack|usr/local/sbin|root/|run/credentials)"
)
_PROGRAM: Final = """#!/bin/sh
# Does to the files of the directory what `flyte-slack` does, in a hundredth of the time.
mkdir -p "$FLYTE_SLACK_BACKUP_DIR" && cd "$FLYTE_SLACK_BACKUP_DIR" || exit 1
case "$*" in
    "storage backup -") tar --create --file=- * ;;
    "storage restore -") [ -z "$(find . -maxdepth 1 -type f)" ] && tar --extract --file=- ;;
    "check --gate") ls flyte-slack.db ;;
    *) exit 2 ;;
esac
"""
_BLOCK: Final = re.compile(r"^( *)```console\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Returns what is typed in the console blocks of a section, also of those within lists."""
    blocks = (textwrap.dedent(block) for _, block in _BLOCK.findall(text))
    joined = (block.replace("\\\n", " ").strip().removeprefix("$ ") for block in blocks)
    return [line for block in joined for line in block.split("\n$ ")]


@dataclass
class Place:
    """Where the pack runs, with its files below a directory of the test."""

    root: Path
    state: Path
    """The directory with the pack's data."""
    environment: dict[str, str]

    async def type(self, lines: list[str]) -> str:
        """Executes the lines one after the other, in the project's directory. Returns what they print."""
        script = "\n".join(["set -e", f"cd {self.root}/project", *map(self._here, lines)])
        process = await asyncio.create_subprocess_exec(
            "/bin/bash",
            "-c",
            script,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, f"{script}\n{output.decode()}"
        return output.decode()

    def _here(self, line: str) -> str:
        """Returns the line for the files below the root. A search that finds nothing does not end the script."""
        return _moved(line, self.root) + (" || true" if "| grep " in line else "")


def _moved(text: str, root: Path) -> str:
    return re.sub(
        r"(?<![\w/])/(var/lib/flyte-slack|opt/flyte-slack|usr/local/sbin|root/|run/credentials)", rf"{root}/\1", text
    )


def create_place(root: Path, state: str, environment: dict[str, str], *, is_systemd: bool) -> Place:
    """Creates the stand-ins; `state` is the directory with the pack's data.

    Under systemd the program is the real one, and the script for commands is installed.
    """
    for directory in ("bin", "project/deploy", "root", "usr/local/sbin", "var/lib/flyte-slack", "opt/flyte-slack/bin"):
        (root / directory).mkdir(parents=True)
    command = _moved((ROOT / "deploy" / "flyte-slack.sh").read_text(), root)
    for path in ("project/deploy/flyte-slack.sh", *(["usr/local/sbin/flyte-slack"] if is_systemd else [])):
        (root / path).write_text(command)
        (root / path).chmod(0o755)
    (root / "opt/flyte-slack/bin/flyte-slack").symlink_to(PROGRAM)
    scripts = {name: f"#!/bin/sh\n{textwrap.dedent(body)}\n" for name, body in _STAND_INS.items()}
    for name, script in {**scripts, "flyte-slack": _PROGRAM}.items():
        (root / "bin" / name).write_text(script)
        (root / "bin" / name).chmod(0o755)
    place = Place(root, root / state, {})
    place.environment = {
        "PATH": f"{root}/usr/local/sbin:{root}/bin:{os.environ['PATH']}",
        "REAL_PROGRAM": str(PROGRAM),
        "FLYTE_SLACK_BACKUP_DIR": str(place.state),
        **environment,
    }
    return place
