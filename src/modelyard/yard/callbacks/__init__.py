"""Callbacks for those who hand one over themselves instead of calling `autolog`: one file a library, which it imports."""
