"""Reading what MLEM wrote, all versions from 0.1 to 0.4, without MLEM: it no longer installs on a new Python.

`layout` brings the text of a ``.mlem`` file into one form; `kinds` turns types and signatures into ours; `models`,
`datasets`, `declarations` and `links` make a source of each kind of object; `converting` writes them as ours.
"""
