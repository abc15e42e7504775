"""`flyte-slack check` against the simulated ends."""
