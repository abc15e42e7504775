"""Tests of flow tests."""
