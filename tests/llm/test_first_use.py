"""Several sessions may be the first to use the embedded model, all at once: none may wait for ever."""

import subprocess
import sys
from pathlib import Path

import pytest

from llm.weights import published

CACHE = Path(__file__).resolve().parents[2] / "data" / "cache"

PROGRAM = """
import sys, threading
from pathlib import Path
from llm.backends import available
from llm.backend_settings import LLMSettings

model = available.load("embedded:smollm2-135m", LLMSettings(cache_dir=Path(sys.argv[1])))
said = []
def talk():
    said.append("".join(c.text for c in model.stream([("user", "Say hello")], max_tokens=4)))
threads = [threading.Thread(target=talk, daemon=True) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
sys.exit(0 if len(said) == 4 else 1)
"""


@pytest.mark.slow
def test_four_threads_that_are_first_at_once_all_get_an_answer() -> None:
    """In a process of its own: a deadlock in the runtime holds the interpreter's lock and would hang this one too."""
    if not published.present("smollm2-135m", CACHE):
        pytest.skip(f"no weights in {CACHE}; fetch them: chatrec setup")
    subprocess.run([sys.executable, "-c", PROGRAM, str(CACHE)], check=True, timeout=120)
