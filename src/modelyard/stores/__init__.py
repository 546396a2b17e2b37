"""Modelyard: stores."""
