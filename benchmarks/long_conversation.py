"""Whether a long conversation answers as fast as a short one: `python -m benchmarks.long_conversation`.

Conversations of these lengths are made of copies of a few real turns, in a store of their own. Timed, in seconds: the
service reading what the page draws, one turn of the service, the page drawn anew and a message sent through the page
(Streamlit's test harness; a browser comes on top). Medians of --times.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.service import Chat, Store, Workbench
from app.settings import Settings

MAIN = Path(__file__).resolve().parents[1] / "app" / "main.py"
ASKED = ("a comedy from the 90s", "others", "something darker", "why the first one?", "a war film")


def grown(chat: Chat, length: int) -> str:
    """A conversation of `length` messages: real turns, then copies of them. Its id."""
    c = chat.start(chat.person(), backend="embedded:smollm2-135m")
    for text in ASKED:
        list(chat.send(c.id, text, threading.Event()))
    made = [m for m in chat.messages(c.id) if m.role == "assistant"]
    for n in range((length - 2 * len(ASKED)) // 2):
        source = made[n % len(made)]
        chat.store.add_message(c.id, ASKED[n % len(ASKED)])
        answer = chat.store.begin_answer(c.id)
        chat.store.write_answer(answer.id, source.text, source.item_ids, source.events, "done")
    return c.id


def timed(run: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def sent_by_page(at: AppTest, text: str) -> None:
    at.chat_input[0].set_value(text).run()
    while any(b.key == "stop" for b in at.button):
        time.sleep(0.02)
        at.run()


def measure(length: int, times: int, settings: Settings) -> dict[str, float]:
    chat = Chat(Workbench(settings), Store(settings.store_url), settings)
    name = grown(chat, length)
    figures = {"read": timed(lambda: chat.messages(name), times)}
    figures["turn"] = timed(lambda: list(chat.send(name, "a comedy from the 80s", threading.Event())), times)
    at = AppTest.from_file(str(MAIN), default_timeout=120)
    at.query_params["c"] = name
    at.run()
    figures["page"] = timed(at.run, times)
    figures["sent"] = timed(lambda: sent_by_page(at, "a comedy from the 80s"), times)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, nargs="+", default=[10, 300])
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHATREC_DATABASE_URL"] = f"sqlite:///{folder}/store.db"  # the page reads its settings itself
        print(f"{'messages':>9} {'read':>8} {'turn':>8} {'page':>8} {'sent':>8}")
        for length in args.messages:
            found = measure(length, args.times, Settings())
            print(f"{length:>9} " + " ".join(f"{found[key]:8.3f}" for key in ("read", "turn", "page", "sent")))


if __name__ == "__main__":
    main()
