"""Modelyard: yard."""
