"""What a fork of a process that has loaded the program does."""

import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

from entrypoints.cli.main import main


def run(arguments: Sequence[str], environment: Mapping[str, str], standard_error: Connection) -> None:
    """Runs the program with exactly this environment, without standard input and output."""
    os.environ.clear()
    os.environ.update(environment)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor, source in enumerate((nowhere, nowhere, standard_error.fileno())):
        os.dup2(source, descriptor)
    os.close(nowhere)
    standard_error.close()
    sys.argv[1:] = arguments
    main()
