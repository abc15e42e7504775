"""`flyte-slack check`: checks everything that the pack depends on, changes nothing, and suggests fixes."""
