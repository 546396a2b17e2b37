"""Folders to read from, wherever they are: on this machine, at a commit of a repository, in a bucket, behind a URL."""
