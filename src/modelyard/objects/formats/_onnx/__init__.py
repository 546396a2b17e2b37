"""Graphs in ONNX: `graph` looks at them before anything runs, `model` answers from them, `converting` makes them."""
