"""The console of a simulation: a terminal or piped lines, commands, and explanations of what happens."""
