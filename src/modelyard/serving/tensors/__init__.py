"""Tensors on the wire: what protocols that speak of named, typed arrays share, whatever carries them.

`tensor` reads and writes one; `ports` says which ones a method takes and gives; `calls` asks the service; `messages` holds
the protocol buffers and `frames` the bodies in which they travel.
"""
