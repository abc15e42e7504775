"""The workbench: a page that shows both ends of the simulation, and lets people talk, edit flows and throw faults."""
