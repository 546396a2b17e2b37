"""Modelyard: testing."""
