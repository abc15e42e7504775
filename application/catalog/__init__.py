"""The tables of commands and events: everything else that has to know them all reads them here."""
