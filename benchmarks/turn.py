"""What a turn costs: python benchmarks/turn.py [--backend embedded:smollm2-135m] [--no-startup]

Twenty fixed messages in four conversations on the real, trained parts. Prints a Markdown table: time outside the LLM,
time to the first visible answer and to the first token, LLM calls and tokens a turn, prompt tokens out of the prefix
cache, peak memory, seconds to import and load, and the start-up of the web app until its first page has run once.
"""

import argparse
import os
import platform
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CONVERSATIONS: tuple[tuple[str | None, tuple[str, ...]], ...] = (
    (
        None,
        (
            "Hi!",
            "scary movies from the 90s",
            "older",
            "why the second one?",
            "I loved the first one, more like that",
            "something else",
        ),
    ),
    (
        "196",
        (
            "recommend me something",
            "why these?",
            "but nothing with comedy",
            "I hated the third one. Anything newer?",
            "which of the first two is better?",
        ),
    ),
    (
        None,
        (
            "slow-burning space horror",
            "something like Heat and Fargo",
            "three romantic comedies before 1980",
            "when was Casablanca made?",
            "thanks!",
        ),
    ),
    ("405", ("films with Al Pacino, no war", "a submarine crew in trouble", "why not Titanic?", "anything lighter?")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--backend", default="")
    parser.add_argument("--generator", default="")
    parser.add_argument("--ranker", default="")
    parser.add_argument("--no-startup", action="store_true", help="leave out the start of the web app")
    parser.add_argument("--verbose", action="store_true", help="print every turn")
    options = parser.parse_args()

    began = time.perf_counter()
    from app.events import Done, Fallback, ModelAnswered, PromptBuilt, Refused, Token
    from app.service.workbench import Workbench
    from app.settings import Settings
    from app.turn.context import Parts, Turn, TurnContext
    from app.turn.controller import run_turn
    from llm.backends import available

    imported = time.perf_counter() - began
    settings = Settings()
    backend = options.backend or settings.backend
    generator, ranker = options.generator or settings.generator, options.ranker or settings.ranker
    bench = Workbench(settings)
    pipeline = bench.pipeline(generator, None if ranker == "none" else ranker)
    info, model = available.describe(backend, settings.llm), available.load(backend, settings.llm)
    if pipeline.texts is not None:
        pipeline.texts.encoder.query("warm")
    loaded = time.perf_counter() - began
    first_answer = time.perf_counter()
    model.invoke("Hello")  # weights are read at the first call
    warmed = time.perf_counter() - first_answer

    rows: list[dict[str, float]] = []
    passed = refused = bypassed = 0
    estimates: list[tuple[int, int]] = []
    for user, messages in CONVERSATIONS:
        dialogue: list[Turn] = []
        kept: dict[str, list[str]] = {"like": [], "dislike": [], "seen": []}
        for message in messages:
            context = TurnContext(
                tuple(dialogue),
                bench.state(user, kept["like"], kept["dislike"], kept["seen"]),
                "new user" if user is None else f"user {user}",
                lambda item_id, kind, kept=kept: kept[kind].append(item_id),  # type: ignore[misc]
                lambda user=user, kept=kept: bench.state(user, kept["like"], kept["dislike"], kept["seen"]),  # type: ignore[misc]
            )
            parts = Parts(info, model, pipeline, generator, None if ranker == "none" else ranker)
            start = time.perf_counter()
            events, first_token = [], None
            for event in run_turn(message, context, parts, settings, stop=threading.Event()):
                if first_token is None and isinstance(event, Token):
                    first_token = time.perf_counter() - start
                events.append(event)
            whole = time.perf_counter() - start
            done = events[-1]
            assert isinstance(done, Done)
            answers = [e for e in events if isinstance(e, ModelAnswered)]
            prompts = [e for e in events if isinstance(e, PromptBuilt)]
            estimates += [
                (p.estimated_tokens, a.input_tokens) for p, a in zip(prompts, answers, strict=False) if a.input_tokens
            ]
            failed = [e for e in events if isinstance(e, Fallback)]
            bypassed += len(failed)
            refused += any(isinstance(e, Refused) for e in events)
            passed += bool(answers) and not any(isinstance(e, Refused) for e in events)
            in_model = sum(a.seconds for a in answers) + sum(f.seconds for f in failed)
            rows.append(
                {
                    "outside": 1e3 * (whole - in_model),
                    "visible": done.first_visible_seconds or whole,
                    "token": first_token or whole,
                    "whole": whole,
                    "calls": len(answers),
                    "in": sum(a.input_tokens for a in answers),
                    "out": sum(a.output_tokens for a in answers),
                    "cached": sum(a.cached_tokens for a in answers),
                    "violations": done.violations,
                }
            )
            if options.verbose:
                print(f"{rows[-1]['outside']:6.0f} ms  {whole:5.2f} s  {message!r}: {done.reply[:100]!r}")
            dialogue += [Turn("user", message), Turn("assistant", done.reply, tuple(done.item_ids), tuple(events))]

    def at(name: str, share: float) -> float:
        return statistics.quantiles([r[name] for r in rows], n=100, method="inclusive")[round(100 * share) - 1]

    def total(name: str) -> float:
        return sum(r[name] for r in rows)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
    print(f"\n{len(rows)} turns, {backend}, {generator} + {ranker}, {bench.dataset.name}; {hardware()}\n")
    print("| measure | value |\n|---|---|")
    print(f"| outside the LLM, ms a turn: p50, p95 | {at('outside', 0.5):.0f}, {at('outside', 0.95):.0f} |")
    print(f"| first visible answer, s: p50, p95 | {at('visible', 0.5):.3f}, {at('visible', 0.95):.3f} |")
    print(f"| first reply token, s: p50, p95 | {at('token', 0.5):.2f}, {at('token', 0.95):.2f} |")
    print(f"| whole turn, s: p50, p95 | {at('whole', 0.5):.2f}, {at('whole', 0.95):.2f} |")
    print(f"| LLM calls a turn | {total('calls') / len(rows):.2f} |")
    print(f"| prompt tokens, answer tokens a turn | {total('in') / len(rows):.0f}, {total('out') / len(rows):.0f} |")
    share = total("cached") / total("in") if total("in") else 0.0
    print(f"| prompt tokens from the prefix cache | {share:.0%} |")
    print(f"| turns whose model text all passed its checks, with a refusal | {passed}, {refused} |")
    print(f"| steps where the model was bypassed | {bypassed} |")
    print(f"| items withheld at the gate | {total('violations'):.0f} |")
    if estimates:
        ratio = sum(e for e, _ in estimates) / sum(c for _, c in estimates)
        print(f"| estimated against counted prompt tokens | {ratio:.2f} |")
    print(f"| import, import and load parts, first LLM answer, s | {imported:.1f}, {loaded:.1f}, {warmed:.1f} |")
    print(f"| peak memory, MB | {peak:.0f} |")
    if not options.no_startup:
        healthy, ran = startup()
        print(f"| web app: server answers, first page has run, s | {healthy:.1f}, {ran:.1f} |")


def hardware() -> str:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return f"{os.cpu_count()} cores ({model}), load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"


def startup() -> tuple[float, float]:
    """Seconds from the start of the process until the server answers, and until the first page's script has run."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.headless", "true",
             "--server.address", "127.0.0.1", "--server.port", str(port), "--browser.gatherUsageStats", "false"],
            cwd=ROOT,
            env={**os.environ, "CHATREC_DATABASE_URL": f"sqlite:///{folder}/benchmark.db"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1) as answer:
                        if answer.status == 200:
                            break
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    if server.poll() is not None or time.perf_counter() - began > 120:
                        raise SystemExit(
                            "the web app did not start; run: python -m streamlit run app/main.py"
                        ) from None
                    time.sleep(0.05)
            healthy = time.perf_counter() - began
            with connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None) as page:  # type: ignore[list-item]
                ask = BackMsg()
                ask.rerun_script.query_string = ""
                page.send(ask.SerializeToString())
                while True:
                    message = ForwardMsg()
                    received = page.recv(timeout=120)
                    assert isinstance(received, bytes)
                    message.ParseFromString(received)
                    if message.WhichOneof("type") == "script_finished":
                        return healthy, time.perf_counter() - began
        finally:
            server.terminate()
            server.wait(timeout=20)


if __name__ == "__main__":
    main()
