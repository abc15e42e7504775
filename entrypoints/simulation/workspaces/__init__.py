"""The chat side of a simulation: what people see and do."""
