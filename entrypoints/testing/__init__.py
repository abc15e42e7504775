"""The contract tests of storages, also for those of other distributions. Needs the extra `testing`."""
