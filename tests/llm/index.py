"""A package index on 127.0.0.1 for the tests of fetching: real wheels, real pip, HTTP Range, and faults on demand."""

import hashlib
import io
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def wheel(name: str, version: str, members: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """A valid wheel that holds `members`, and its METADATA, which an index serves on its own too."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    tag = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in members.items():
            archive.writestr(path, content)
        archive.writestr(f"{folder}/METADATA", metadata)
        archive.writestr(f"{folder}/WHEEL", tag)
        archive.writestr(f"{folder}/RECORD", b"")
    return packed.getvalue(), metadata


@dataclass
class Index:
    """`requests` are (path, Range header) of every wheel request; the rest says how the server misbehaves."""

    url: str = ""
    wheels: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)  # file name -> wheel, METADATA
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    sent: int = 0  # bytes of wheels that went out
    seconds_a_block: float = 0.0
    break_after: int | None = None  # cut the connection after so many bytes of an answer
    breaks: int = 0  # how often to do so
    then_break_after: int | None = None  # and how all later answers are cut
    ranges: bool = True  # honour Range
    status: int | None = None  # answer wheel requests with this error

    def add(self, name: str, version: str, members: Mapping[str, bytes]) -> None:
        self.wheels[f"{name.replace('-', '_')}-{version}-py3-none-any.whl"] = wheel(name, version, members)


@contextmanager
def serving() -> Iterator[Index]:  # noqa: C901 the branches are those of the handler inside it
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            path = self.path.strip("/")
            if path.startswith("simple/"):
                self._page(path.removeprefix("simple/"))
            elif path.endswith(".whl.metadata"):
                self._whole(index.wheels[path.removeprefix("files/").removesuffix(".metadata")][1], "text/plain")
            else:
                self._wheel(path.removeprefix("files/"))

        def _page(self, project: str) -> None:
            lines = []
            for file, (content, metadata) in index.wheels.items():
                if file.split("-")[0].replace("_", "-") == project:
                    whole, head = hashlib.sha256(content).hexdigest(), hashlib.sha256(metadata).hexdigest()
                    lines.append(
                        f'<a href="/files/{file}#sha256={whole}" data-core-metadata="sha256={head}">{file}</a>'
                    )
            if lines:
                self._whole(("<!DOCTYPE html><html><body>" + "".join(lines) + "</body></html>").encode(), "text/html")
            else:
                self.send_error(404)

        def _whole(self, content: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _wheel(self, file: str) -> None:
            content = index.wheels[file][0]
            asked = self.headers.get("Range")
            index.requests.append((file, asked))
            if index.status is not None:
                self.send_error(index.status)
                return
            start = int(asked.removeprefix("bytes=").split("-")[0]) if asked and index.ranges else 0
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if asked and index.ranges else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            left = content[start:]
            if index.breaks > 0:
                index.breaks -= 1
                left = left[: index.break_after]
            elif index.then_break_after is not None:
                left = left[: index.then_break_after]
            try:
                for at in range(0, len(left), 1 << 16):
                    block = left[at : at + (1 << 16)]
                    self.wfile.write(block)
                    index.sent += len(block)
                    time.sleep(index.seconds_a_block)
            except OSError:
                pass  # the client was killed, as the test meant it
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    index.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
