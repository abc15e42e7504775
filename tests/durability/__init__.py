"""Data is on disk before Slack gets its acknowledgement. Needs a C compiler, so only `make test-fsync` runs it."""
