"""Answer requests from models.

`service.Service` is the core: find the method, queue, batch, run, count, log. Protocols (``protocols/``) parse and format around
it, a server (``servers/``) owns port and signals, `client.Client` calls it from elsewhere. `interface` says how to add one.
"""
