"""Modelyard: environments."""
