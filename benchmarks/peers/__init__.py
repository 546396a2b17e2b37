"""The contenders, one file each; ours is one of them.

A file is read by the harness, in an environment without the peer's library, and by workers in the peer's own one. So
it imports the library inside functions, and has, as far as the peer can do the work:

* ``REQUIREMENTS``: what ``uv pip install`` puts into its environment; ``VARIABLES``: for its processes;
* ``DISTRIBUTION``: whose version is shown; ``MODULE`` and ``COMMAND``: what is imported and called in `imports`;
* ``SAVES``: ``{how: save(model, sample, folder)}``; the first one writes what ``serve`` serves and ``apply`` applies;
* ``serve(environment, folder, port) -> command``, ``PATH``, ``request(records) -> bytes`` and ``answer(body) -> list``;
  where a network of torch is saved or asked otherwise, ``SAVE_NETWORK`` and ``request_rows``; ``settle(url)`` waits until a
  server that grows quicker after its start has done so;
* ``LOGS``: ``{how: start(folder, address)}``, which begins a run and gives what logs a metric (key, value, step); the hows with
  ``server`` are given the address of one, which is not there or never answers where they say so; ``AUTOLOG(folder, models=, on=)``
  and ``LOG_MODEL(folder)``, which gives what logs a model (model, sample);
* ``apply(folder, data, output)``: predictions for a whole file, in pieces.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from types import ModuleType

from benchmarks import environments
from benchmarks.environments import Environment

NAMES = ("modelyard", "compiled", "handwritten", "mlflow", "mlem", "bentoml", "litserve")

# One set for all: the comparison is between the tools, not between releases of what they stand on.
SCIENCE = ("scikit-learn==1.9.1", "pandas==3.1.1", "numpy==2.4.6")


def peer(name: str) -> ModuleType:
    """The contender of that name."""
    return import_module(f"benchmarks.peers.{name}")


def those_with(part: str, names: tuple[str, ...] = NAMES) -> list[str]:
    """Contenders that can do this part of the work."""
    return [name for name in names if hasattr(peer(name), part)]


MORE = {"network": ("torch==2.13.0",), "keras": ("tensorflow==2.21.0",)}
"""What some models need beside that. (Set ``UV_FIND_LINKS`` to where torch's builds for the processor alone are.)"""


@lru_cache
def environment(name: str, model: str = "pipeline") -> Environment:
    """The contender's environment for a model, made when it is not there yet."""
    contender = peer(name)
    variables = getattr(contender, "VARIABLES", {})
    needed = (*contender.REQUIREMENTS, *SCIENCE, *MORE.get(model, ()))
    return environments.make(name, needed, variables)
