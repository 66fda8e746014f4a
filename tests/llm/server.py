"""A real OpenAI-compatible server (llama.cpp) with the embedded model on 127.0.0.1, in a process of its own.

Run as `python -m tests.llm.server FILE KEY`: prints its address, serves until its standard input is closed.
A process of its own, because spinning OpenMP threads would fight OpenVINO's in the tests' process.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY = "sk-local-0123456789abcdef"
ROOT = Path(__file__).resolve().parents[2]


def main(weights: str, key: str) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {"smollm2-135m"}
    params.api_keys = [key]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 4096
    params.n_parallel = 1
    params.use_jinja = True
    params.cpuparams.n_threads = 2
    params.verbosity = 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


@contextmanager
def serving(weights: Path) -> Iterator[str]:
    """The address (ends in /v1) of a server that runs while the context lasts."""
    environment = os.environ | {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.llm.server", str(weights), KEY],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        address = next((line.strip() for line in process.stdout if line.startswith("http")), None)
        assert address is not None, f"the server ended with {process.wait()} before it listened"
        yield f"{address}/v1"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
