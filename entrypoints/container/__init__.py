"""The composition root, in three containers: the adapters, the application on top of them, and the daemon around both.

Production, simulation, flow tests and unit tests all use `Application`, each with its own adapters.
"""
