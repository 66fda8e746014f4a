"""An adapter put into the weights that it belongs to: a GGUF file that the embedded runtime reads as any other.

OpenVINO GenAI leaves adapters beside GGUF weights unread, so W + (alpha / rank) B A is written out, as Q8_0: four bits
would round much of what was learnt away. Q4_1 becomes Q8_0 even where the adapter touches nothing, since the runtime
reads it otherwise than transformers, which the adapter was taught with. The rest is copied byte for byte. GGUF keeps
the rows of a Llama's q and k in another order than Hugging Face: its rotary embedding pairs rows 2i and 2i + 1 of a
head, theirs i and i + half. The learnt difference is reordered, not the base.
"""

import json
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from app.errors import ArtefactDamaged, UnusableBackend
from llm.weights import fetch

_GGUF = {
    "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate",
    "up_proj": "ffn_up", "down_proj": "ffn_down",
}  # fmt: skip
_NAME = re.compile(r".*\.layers\.(\d+)\.\w+\.(\w+)\.lora_A\.weight")


def merged(gguf: Path, adapter: Path, cache_dir: Path) -> Path:
    """The weights with the adapter, made at the first call; named by the checksums of both, whole or not there.

    What an earlier adapter made of the same weights is removed: 145 MB, and as much again as the runtime's own copy.

    adapter  folder with adapter_model.safetensors, adapter_config.json and card.json
    ArtefactDamaged where the adapter is not what its card says, or belongs to other weights; UnusableBackend where the
    package that reads GGUF is not there.
    """
    card = _card(adapter)
    folder = cache_dir / "llm" / f"merged-{card['weights_sha256'][:12]}-{card['sha256'][:12]}"
    file = folder / "model.gguf"
    if file.is_file():
        return file
    weights = adapter / "adapter_model.safetensors"
    for path, digest in ((weights, card["sha256"]), (gguf, card["weights_sha256"])):
        if fetch.digest(path) != digest:
            raise ArtefactDamaged(f"{path} is not the file that {adapter / 'card.json'} names")
    settings = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".{uuid.uuid4().hex[:8]}.new"
    try:
        _write(gguf, differences(load_file(weights), settings["lora_alpha"] / settings["r"]), new)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    for earlier in folder.parent.glob(f"merged-{card['weights_sha256'][:12]}-*"):
        if earlier != folder:
            shutil.rmtree(earlier, ignore_errors=True)
    return file


def differences(adapter: dict[str, np.ndarray], scale: float) -> dict[str, np.ndarray]:
    """GGUF tensor name -> scale * B A in float32, (out, in), rows in Hugging Face's order."""
    found = {}
    for name, a in adapter.items():
        if match := _NAME.fullmatch(name):
            b = adapter[name.replace("lora_A", "lora_B")]
            found[f"blk.{match[1]}.{_GGUF[match[2]]}.weight"] = scale * (b.astype(np.float32) @ a.astype(np.float32))
    return found


def paired(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows of q or k, (heads * size, in), from Hugging Face's order into GGUF's: halves of a head become pairs."""
    size = rows.shape[0] // heads
    return rows.reshape(heads, 2, size // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _card(adapter: Path) -> dict[str, Any]:
    try:
        card = json.loads((adapter / "card.json").read_text(encoding="utf-8"))
        return {"sha256": card["sha256"], "weights_sha256": card["weights_sha256"]}
    except (OSError, ValueError, KeyError) as error:
        raise ArtefactDamaged(
            f"the adapter in {adapter} cannot be read ({error}): python -m benchmarks.decoder_tuning"
        ) from error


def _write(gguf: Path, added: dict[str, np.ndarray], out: Path) -> None:
    try:
        from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
        from gguf.quants import dequantize, quantize
    except ImportError as error:
        raise UnusableBackend("merging an adapter needs the package gguf (pip install -e '.[dev]')") from error

    reader = GGUFReader(gguf)
    values = {f.name: f for f in reader.fields.values()}
    architecture = values["general.architecture"].contents()
    heads = values[f"{architecture}.attention.head_count"].contents()
    key_heads = values[f"{architecture}.attention.head_count_kv"].contents()
    unknown = added.keys() - {t.name for t in reader.tensors}
    if architecture != "llama" or unknown:
        raise ArtefactDamaged(f"an adapter of a Llama does not fit {gguf}: {architecture}, without {sorted(unknown)}")
    writer = GGUFWriter(out, architecture, endianess=reader.endianess)
    writer.data_alignment = reader.alignment
    for name, field in values.items():
        if not name.startswith("GGUF.") and name != "general.architecture":  # the writer has put these
            writer.add_key_value(name, field.contents(), field.types[0], field.types[-1])
    tensors = []
    for tensor in reader.tensors:
        data, kind = tensor.data, tensor.tensor_type
        difference = added.get(tensor.name, 0.0)
        if isinstance(difference, np.ndarray) and (".attn_q." in tensor.name or ".attn_k." in tensor.name):
            difference = paired(difference, heads if ".attn_q." in tensor.name else key_heads)
        if tensor.name in added or kind == GGMLQuantizationType.Q4_1:
            data = quantize(dequantize(data, kind) + difference, GGMLQuantizationType.Q8_0)
            kind = GGMLQuantizationType.Q8_0
        writer.add_tensor_info(tensor.name, data.shape, data.dtype, data.nbytes, kind)
        tensors.append(data)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for data in tensors:
            writer.write_tensor_data(data)
    finally:
        writer.close()
