"""The arrays of an artefact: matrices as 8-bit rows with a scale each, the rest in 16 bits, under names that stay.

An artefact names the parts of a layer by what they do and keeps queries, keys and values apart, whatever the network
calls them and joins; so one that was trained earlier can still be read.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

_LEAST = 64  # rows of a matrix from which on 8 bits a number are worth a scale each
_PROJECTIONS = ("query", "key", "value")
_SEGMENTS = "embedding.segment.weight"
# What stands at this place of an array's name: in the network -> in an artefact.
_PLACE = {"embedding": 1, "layers": 2}
_KEPT = {
    "embedding": {"words": "word", "positions": "position"},
    "layers": {"out": "mixed", "norm_attention": "norm", "up": "inner", "down": "outer", "norm_forward": "last_norm"},
}
_READ = {part: {kept: own for own, kept in names.items()} for part, names in _KEPT.items()}


def pack(network: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of a network as an artefact keeps it."""
    kept: dict[str, Tensor] = {}
    for name, value in _apart(network).items():
        if value.ndim == 2 and value.shape[0] > _LEAST:
            scale = value.abs().amax(1, keepdim=True).clamp_min(1e-8) / 127
            kept[name] = (value / scale).round().to(torch.int8)
            kept[f"{name}.scale"] = scale.to(torch.float32)
        else:
            kept[name] = value.to(torch.float16)
    return kept


def unpack(kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `pack`, but for what 8 bits lose. KeyError where an array is missing."""
    return _together(
        {
            name: value.float() * kept[f"{name}.scale"] if value.dtype == torch.int8 else value.float()
            for name, value in kept.items()
            if not name.endswith(".scale")
        }
    )


def _apart(network: Mapping[str, Tensor]) -> dict[str, Tensor]:
    kept = {_SEGMENTS: torch.stack([network["embedding.segment"], network["embedding.second"]])}
    for name, value in network.items():
        layer, joined, kind = name.partition(".qkv.")
        if joined:
            parts = zip(_PROJECTIONS, value.chunk(len(_PROJECTIONS)), strict=True)
            kept |= {f"{layer}.{projection}.{kind}": part.contiguous() for projection, part in parts}
        elif name not in ("embedding.segment", "embedding.second"):
            kept[_renamed(name, _KEPT)] = value
    return kept


def _together(kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    network = dict(zip(("embedding.segment", "embedding.second"), kept[_SEGMENTS], strict=True))
    for name, value in kept.items():
        layer, first, kind = name.partition(".query.")
        if first:
            three = [kept[f"{layer}.{projection}.{kind}"] for projection in _PROJECTIONS]
            network[f"{layer}.qkv.{kind}"] = torch.cat(three)
        elif name != _SEGMENTS and not any(f".{projection}." in name for projection in _PROJECTIONS[1:]):
            network[_renamed(name, _READ)] = value
    return network


def _renamed(name: str, names: Mapping[str, Mapping[str, str]]) -> str:
    parts = name.split(".")
    if (at := _PLACE.get(parts[0])) is not None:
        parts[at] = names[parts[0]].get(parts[at], parts[at])
    return ".".join(parts)
