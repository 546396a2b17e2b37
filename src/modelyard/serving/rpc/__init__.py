"""gRPC: messages made of tables instead of generated code, a server on a port of its own, health and reflection."""
