"""The skops format, written and read under our own rules.

`allowed` names all that may stand in a file; `archive` opens the zip under limits; `audit` reads the whole schema against
the allow-list before anything is imported; `building` makes the objects; `checks` looks into arrays that compiled code would
trust blindly; `writing` makes files. Other tools that read skops files read ours.
"""
