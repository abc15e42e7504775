"""Benchmarks of the pack's latency and resource use, and of the cost of durability: `make bench`."""
