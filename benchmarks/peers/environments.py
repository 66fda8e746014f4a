"""Where the peers live: environments of their own under the cache, so that nothing of theirs meets ours.

Several, because RecBole needs versions that the others can't work with, and RecTools brings a fork of implicit under
the same import name. torch comes first and alone: what is installed after it then finds it there and brings no other
build.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TORCH = "torch==2.13.0"
FUXICTR = "https://github.com/reczoo/FuxiCTR"
FUXICTR_COMMIT = "0245987fdc1d43c36164ea496a02324885a8557a"  # its version file says 2.3.10


class NotSetUp(Exception):
    """An environment is not there."""


@dataclass(frozen=True)
class Environment:
    name: str
    requirements: tuple[str, ...]
    alone: tuple[str, ...] = ()  # installed without what they ask for, all of which is there or not needed
    libraries: tuple[str, ...] = ()  # whose versions are reported
    torch: bool = True


ENVIRONMENTS = {
    e.name: e
    for e in (
        Environment(
            "ctr",
            ("fuxictr==2.3.10", "setuptools<81"),
            ("deepctr-torch==0.3.0",),
            ("fuxictr", "deepctr-torch", "torch", "numpy"),
        ),
        Environment(
            "rectools",
            ("rectools[torch]==0.19.0",),
            libraries=("rectools", "torch", "numpy"),
        ),
        Environment("implicit", ("implicit==0.7.3",), libraries=("implicit", "numpy"), torch=False),
        # What RecBole 1.2.1 runs with: it uses pkg_resources, np.bool8 and DataFrames that pandas 3 no longer has.
        Environment(
            "recbole",
            ("setuptools<81", "numpy<2", "pandas<3", "scipy<1.12", "scikit-learn<1.6", "recbole==1.2.1"),
            libraries=("recbole", "torch", "numpy"),
        ),
    )
}


@dataclass(frozen=True)
class Home:
    """The folder of the environments, the tables and the measurements under way."""

    folder: Path

    def python(self, environment: str) -> Path:
        """The interpreter of an environment, or ours for "ours". NotSetUp says what to do."""
        if environment == "ours":
            return Path(sys.executable)
        place = self._place(environment)
        if not (place / "versions.json").is_file():
            raise NotSetUp(
                f"the environment of the peers {', '.join(ENVIRONMENTS[environment].libraries[:2])} is not there "
                f"({place}); make it with: python benchmarks/peers.py --set-up (2 GB, some minutes, needs a network)"
            )
        return place / "bin" / "python"

    @property
    def models(self) -> Path:
        """FuxiCTR's model files, which its package doesn't hold."""
        return self.folder / "fuxictr" / "model_zoo"

    def versions(self, environment: str) -> dict[str, str]:
        """Library -> version."""
        return json.loads((self._place(environment) / "versions.json").read_text(encoding="utf-8"))

    def set_up(self, fuxictr: str, say: Callable[[str], None]) -> None:
        """Make what is missing. An environment counts as made once versions.json is in it, which is written last."""
        for environment in ENVIRONMENTS.values():
            place = self._place(environment.name)
            if (place / "versions.json").is_file():
                say(f"{place}: there")
                continue
            first = (TORCH,) if environment.torch else ()
            say(f"{place}: installing {', '.join((*first, *environment.requirements, *environment.alone))} ...")
            shutil.rmtree(place, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(place)])
            pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            if first:
                _run([*pip, *first])
            _run([*pip, *first, *environment.requirements])
            if environment.alone:
                _run([*pip, "--no-deps", *environment.alone])
            asked = f"import importlib.metadata as m, json; names = {list(environment.libraries)!r}"
            asked += "; print(json.dumps({name: m.version(name) for name in names}))"
            found = _run([str(place / "bin" / "python"), "-c", asked])
            (place / "versions.json").write_text(found, encoding="utf-8")
        if self.models.is_dir():
            say(f"{self.models}: there")
        else:
            say(f"{self.models}: from {fuxictr} at {FUXICTR_COMMIT[:7]} ...")
            new = self.folder / "fuxictr.part"
            shutil.rmtree(new, ignore_errors=True)
            _run(["git", "clone", "--quiet", "--no-checkout", fuxictr, str(new)])
            _run(["git", "-C", str(new), "checkout", "--quiet", FUXICTR_COMMIT])
            new.rename(self.folder / "fuxictr")

    def _place(self, environment: str) -> Path:
        return self.folder / f"env-{environment}"


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotSetUp(f"this failed: {' '.join(command)}\n{done.stderr.strip()[-2000:]}")
    return done.stdout
