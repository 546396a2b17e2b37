"""Modelyard: serving."""
