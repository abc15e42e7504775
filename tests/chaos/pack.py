"""`python pack.py SECONDS`: the program, which looks for posts in doubt for so long instead of a minute."""

import sys

from entrypoints.cli.main import main
from entrypoints.container import Daemon

if __name__ == "__main__":
    Daemon.application.posting_policy.add_kwargs(doubt_seconds=float(sys.argv.pop(1)))
    main()
