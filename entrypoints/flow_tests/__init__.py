"""Tests of flows: a conversation as it should go, played through the real pack in virtual time."""
