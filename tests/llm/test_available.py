"""Which backends there are, which are usable, and why the others are not."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.errors import UnknownBackend, UnusableBackend
from llm.backend_settings import LLMSettings
from llm.backends import available
from llm.weights import published

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(tmp_path: Path) -> LLMSettings:
    """A fresh machine: no key, no weights."""
    return LLMSettings(
        cache_dir=tmp_path,
        openai_models=("gpt-4o-mini",),
        anthropic_models=("claude-sonnet-5",),
        huggingface_models=(str(tmp_path / "nowhere"),),
    )


def test_on_a_bare_machine_every_backend_says_what_it_needs(bare: LLMSettings) -> None:
    found = {b.name: b for b in available.backends(bare)}
    assert {b.kind for b in found.values()} == {"embedded", "huggingface", "openai", "anthropic", "compatible"}
    assert not any(b.usable for b in found.values())
    assert "chatrec models get smollm2-135m" in found["embedded:smollm2-135m"].reason
    assert found["openai:gpt-4o-mini"].reason == "needs OPENAI_API_KEY"
    assert found["anthropic:claude-sonnet-5"].reason == "needs ANTHROPIC_API_KEY"
    assert "CHATREC_COMPATIBLE_URL" in found["compatible:"].reason
    assert "config.json" in found[f"huggingface:{bare.cache_dir / 'nowhere'}"].reason
    assert all(b.label and (b.usable == (b.reason == "")) for b in found.values())


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"openai_api_key": SecretStr("k")}, "openai:gpt-4o-mini"),
        ({"anthropic_api_key": SecretStr("k")}, "anthropic:claude-sonnet-5"),
        ({"compatible_url": "http://127.0.0.1:1/v1", "compatible_models": ("m",)}, "compatible:m"),
    ],
)
def test_what_it_needed_makes_it_usable(bare: LLMSettings, changes: dict[str, object], name: str) -> None:
    settings = bare.model_copy(update=changes)
    info = available.describe(name, settings)
    assert info.usable and info.reason == "" and info.steers and info.native_tools
    assert available.load(name, settings) is not None
    with pytest.raises(UnusableBackend, match=r"cannot be used: needs"):
        available.load(name, bare)


def test_a_folder_that_transformers_wrote_is_usable(bare: LLMSettings, tiny_folder: Path) -> None:
    settings = bare.model_copy(update={"huggingface_models": (str(tiny_folder),)})
    assert available.describe(f"huggingface:{tiny_folder}", settings).usable


def test_weights_make_the_embedded_one_usable(bare: LLMSettings) -> None:
    path = published.path("qwen2.5-coder-1.5b", bare.cache_dir)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF")
    info = available.describe("embedded:qwen2.5-coder-1.5b", bare)
    assert info.usable and not info.steers  # measured: rules and the small encoder understand more, and at once


def test_an_unknown_name_gets_a_hint(bare: LLMSettings) -> None:
    with pytest.raises(UnknownBackend, match=r"'embedded:smolm2-135m'; did you mean 'embedded:smollm2-135m'\?"):
        available.load("embedded:smolm2-135m", bare)
    with pytest.raises(UnknownBackend, match="unknown backend 'gpt'"):
        available.describe("gpt", bare)
    with pytest.raises(UnknownBackend):
        available.describe("", bare)


def test_models_that_are_not_in_the_list_can_be_named(bare: LLMSettings) -> None:
    settings = bare.model_copy(update={"openai_api_key": SecretStr("k")})
    assert available.describe("openai:gpt-4.1", settings).usable


def test_embedded_models_are_shared_by_all_sessions(llm_settings: LLMSettings) -> None:
    if not published.present("smollm2-135m", llm_settings.cache_dir):
        pytest.skip("no weights; `make test` fetches them")
    first, second = (available.load("embedded:smollm2-135m", llm_settings) for _ in range(2))
    assert first is second


def test_keys_do_not_show(bare: LLMSettings) -> None:
    settings = bare.model_copy(
        update={"openai_api_key": SecretStr("sk-geheim"), "anthropic_api_key": SecretStr("geheim")}
    )
    shown = f"{settings!r} {settings} {available.backends(settings)} {available.load('openai:gpt-4o-mini', settings)!r}"
    assert "geheim" not in shown


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from pathlib import Path; from llm.backends import available; from llm.backend_settings import LLMSettings\n"
        "available.backends(LLMSettings(cache_dir=Path('x'), openai_models=('a',), anthropic_models=('b',)))\n"
        "big = {'torch', 'transformers', 'openvino_genai', 'langchain_core', 'langchain_openai', 'anthropic'}\n"
        "print(*sorted(big & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
