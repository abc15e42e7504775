"""The disk has it before Slack is told. Needs a C compiler: `make test-fsync` runs it, and `make test` does not."""
