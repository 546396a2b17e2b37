"""Modelyard: objects."""
