"""What a fork of a process that has loaded the program does."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

from entrypoints.cli.main import main


def run(arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[Connection | None]) -> None:
    """Runs the program with exactly this environment and these standard streams; None: the stream is closed."""
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, source in enumerate(streams):
        if source:
            os.dup2(source.fileno(), descriptor)
            source.close()
        else:
            os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(descriptor, mode, encoding="utf-8", closefd=False) if source else None
        for descriptor, mode, source in zip((0, 1, 2), "rww", streams, strict=True)
    )
    # A shell starts background jobs with SIGINT ignored, and child processes inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[:] = ["flyte-slack", *arguments]
    main()
