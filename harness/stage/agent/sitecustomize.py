"""Runs when a Python of the system under test starts, because this folder stands first in its PYTHONPATH.

It runs the `sitecustomize` that this file hides, if there is one, and starts the memory agent. It never stops the
service from starting: what goes wrong here is written beside the control sockets.
"""

import os
import sys


def _run_the_hidden_one() -> None:
    import importlib.machinery
    import importlib.util

    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


try:
    _run_the_hidden_one()
except Exception as problem:  # noqa: BLE001  # as the interpreter does with a sitecustomize that fails
    sys.stderr.write(f"Error in sitecustomize: {problem!r}\n")

if os.environ.get("REHEARSE_AGENT_DIR"):
    try:
        import rehearse_agent

        rehearse_agent.start(os.environ["REHEARSE_AGENT_DIR"])
    except Exception as problem:  # noqa: BLE001  # an observer must not end what it observes
        sys.stderr.write(f"rehearse: the memory agent did not start: {problem!r}\n")
