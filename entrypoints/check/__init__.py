"""`flyte-slack check`: looks at everything the pack needs, changes nothing, and says how to mend what is wrong."""
