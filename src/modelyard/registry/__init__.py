"""Modelyard: registry."""
