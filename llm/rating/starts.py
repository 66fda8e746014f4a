"""What tuning can start from where no hub is at hand: the embedded decoder as a Hugging Face folder, and a small T5
that knows nothing yet."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app import files
from app.errors import UnusableBackend
from llm.weights import published


def embedded(name: str, cache_dir: Path) -> Path:
    """The embedded weights of this name as transformers saves them, in float32: made once from the GGUF file.

    UnusableBackend where the weights are not fetched or the packages that read GGUF are not there.
    """
    weights = published.path(name, cache_dir)
    folder = weights.parent / "transformers"
    if (folder / "config.json").is_file():
        return folder
    if not weights.exists():
        raise UnusableBackend(f"{name} is not fetched yet: chatrec models get {name}")
    try:
        import accelerate  # noqa: F401
        import gguf  # noqa: F401
    except ImportError as error:
        raise UnusableBackend(
            f"reading {weights.name} for tuning needs the packages gguf and accelerate (pip install -e '.[dev]')"
        ) from error
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source: dict[str, Any] = {"pretrained_model_name_or_path": str(weights.parent), "gguf_file": weights.name}

    with files.replacing(folder) as new:
        AutoTokenizer.from_pretrained(**source).save_pretrained(new)
        whole = AutoModelForCausalLM.from_pretrained(**source, quantization_config=GgufConfig(dequantize=True))
        whole.save_pretrained(new)

    return folder


def small_t5(folder: Path, texts: Iterable[str], *, size: int = 128, layers: int = 2, words: int = 4000) -> Path:
    """An encoder-decoder of chance weights (`seed` 0) with word pieces learnt from `texts`, as a Hugging Face folder.

    size    of the vectors; layers: of each half, one in the decoder; words: pieces of the vocabulary at most
    """
    import torch
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, trainers
    from tokenizers import models as kinds
    from transformers import PreTrainedTokenizerFast, T5Config, T5Model

    with files.replacing(folder) as new:
        pieces = Tokenizer(kinds.WordPiece(unk_token="<unk>"))
        pieces.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        pieces.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.BertPreTokenizer()]
        )
        learn = trainers.WordPieceTrainer(vocab_size=words, special_tokens=["<pad>", "</s>", "<unk>"])
        pieces.train_from_iterator(texts, learn)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=pieces, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
        )
        torch.manual_seed(0)
        config = T5Config(
            vocab_size=len(tokenizer),
            d_model=size,
            d_kv=size // 4,
            d_ff=4 * size,
            num_heads=4,
            num_layers=layers,
            num_decoder_layers=1,
            dropout_rate=0.1,
        )
        config.decoder_start_token_id = 0
        T5Model(config).save_pretrained(new)
        tokenizer.save_pretrained(new)

    return folder
