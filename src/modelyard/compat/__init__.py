"""Modelyard: compat."""
