"""Modelyard: shipping."""
