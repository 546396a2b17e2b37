"""Modelyard: types."""
