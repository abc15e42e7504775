"""One folder for each technology; adapters never import one another."""
