"""How fast the pack is, how little it needs, and what safety costs: `make bench`."""
