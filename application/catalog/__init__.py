"""The tables of commands and events, for everything that has to know all of them."""
