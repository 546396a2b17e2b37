"""DVC's side of a repository, read and written without DVC: pointers, manifests, configuration, caches and remotes.

What it writes is what DVC 3 writes, so that both may be used on one repository in turn.
"""
