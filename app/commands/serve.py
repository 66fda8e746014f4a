"""chatrec serve: open the app."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

MAIN = Path(__file__).resolve().parents[1] / "main.py"  # Streamlit reads .streamlit/config.toml beside it


def serve(
    port: Annotated[int, typer.Option(help="Port of the web app.")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
) -> None:
    """Open the web app and keep it running until Ctrl-C. What a set-up left to be made is made beside it."""
    command = [sys.executable, "-m", "streamlit", "run", str(MAIN)]
    command += ["--server.port", str(port), "--server.address", host]
    url = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"
    typer.echo(f"The app opens at {url} (Ctrl-C ends it).")
    server = subprocess.Popen(command)
    rest = _make_the_rest()
    for name in ("SIGTERM", "SIGHUP"):  # whoever ends this process ends the app: it must not listen on alone
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: server.terminate())
    if browser and _has_browser():
        threading.Thread(target=_open, args=(f"http://{host}:{port}", url), daemon=True).start()
    try:
        code = server.wait()
    except KeyboardInterrupt:
        server.wait()
        code = 0
    finally:
        rest.terminate()
        rest.wait()
    if code:
        raise typer.Exit(code)


def _make_the_rest() -> "subprocess.Popen[bytes]":
    """What a set-up left, at the lowest priority and on one thread; it ends at once where nothing is missing."""
    lowest: dict[str, Any] = {"preexec_fn": lambda: os.nice(19)} if os.name == "posix" else {}
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "setup", "--background"],
        env=os.environ | {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the app, which ends this one itself
        **lowest,
    )


def _has_browser() -> bool:
    """A window can be opened; without a screen, webbrowser would start a text browser in this very terminal."""
    return sys.platform in ("darwin", "win32") or bool(
        (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and shutil.which("xdg-open")
    )


def _open(address: str, url: str) -> None:
    for _ in range(120):
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                webbrowser.open(url)
                return
        except OSError:
            time.sleep(0.5)
