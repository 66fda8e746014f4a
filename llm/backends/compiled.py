"""The copy of a GGUF model in OpenVINO's own format, kept beside it: it loads faster and takes less memory at its peak.

Measured figures: docs/decisions/0002-embedded-runtime.md. The copy belongs to one version of the runtime, and is only
ever an extra: where it is missing, damaged or cannot be written, the GGUF file is read.
"""

import os
import shutil
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any


def load(gguf: Path, open_: Callable[..., Any]) -> Any:
    """What `open_(path, **options)` makes of the copy; or of the GGUF file, and then a copy is made for next time."""
    copy = gguf.parent / f"openvino-{version('openvino-genai')}"
    if (copy / "openvino_model.xml").is_file():
        try:
            return open_(copy)
        except RuntimeError:
            shutil.rmtree(copy, ignore_errors=True)
    try:
        # the runtime writes beside the file that it reads, so it reads it through a link in a folder of its own
        new = gguf.parent / f".{copy.name}.{uuid.uuid4().hex[:8]}"
        new.mkdir()
        os.link(gguf, new / gguf.name)
    except OSError:
        return open_(gguf)
    try:
        opened = open_(new / gguf.name, enable_save_ov_model=True)
        (new / gguf.name).unlink()
        for earlier in gguf.parent.glob("openvino-*"):
            shutil.rmtree(earlier, ignore_errors=True)
        new.replace(copy)
        return opened
    except OSError:  # another process was first
        return opened
    finally:
        shutil.rmtree(new, ignore_errors=True)
