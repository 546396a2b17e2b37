"""Modelyard: predictions."""
