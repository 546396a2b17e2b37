"""Modelyard: cli."""
