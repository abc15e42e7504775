"""`flyte-slack check` against simulated servers."""
