"""The reranker: a cross-encoder in ONNX from a local folder, run by onnxruntime.

A cross-encoder reads question and passage as one text (Nogueira and Cho 2019). Its folder holds
`model.onnx` and `tokenizer.json`, as sentence-transformers and Optimum export them. Every option
offers `lacking`, `name` and `opened`.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from engine.contract.schema import Retrieval
from engine.core.errors import SettingsError
from engine.core.settings import Settings
from engine.retrieval.lexical import Passage
from engine.retrieval.rerank import RerankError, shown

MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
LONGEST = 512  # tokens of question and passage, which the usual models were trained with
TOGETHER = 5  # pairs that are scored at once; the deadline is looked at in between
TAKES = {"input_ids", "attention_mask", "token_type_ids"}


def lacking(settings: Settings, retrieval: Retrieval) -> str:
    """What there is to do before passages can be reranked; empty when all is there."""
    del retrieval
    folder = Path(settings.rerank_folder)
    for file in (MODEL, TOKENIZER):
        if not (folder / file).is_file():
            return (
                f"{folder / file} is missing; put {MODEL} and {TOKENIZER} of a cross-encoder into "
                f"{folder} (docs/rerank.md says where there are some), or name their folder by "
                "rerank_folder in settings.toml"
            )
    return ""


def name(settings: Settings, retrieval: Retrieval) -> str:
    """The cross-encoder by the SHA-256 of its weights and its tokenizer."""
    del retrieval
    folder, whole = Path(settings.rerank_folder), hashlib.sha256()
    for path in (*sorted(folder.glob(f"{MODEL}*")), folder / TOKENIZER):
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return f"cross-encoder sha256:{whole.hexdigest()}"


def opened(settings: Settings, retrieval: Retrieval) -> "CrossEncoder":
    """The cross-encoder, ready to score.

    Raises SettingsError when its files are none.
    """
    return CrossEncoder(Path(settings.rerank_folder), name(settings, retrieval))


class CrossEncoder:
    """Scores pairs of question and passage; any thread may use it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / MODEL), providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # both libraries raise what they like
            raise _wrong(folder, f"cannot be loaded: {error}") from None
        self._takes = [given.name for given in self._session.get_inputs()]
        if unknown := {*self._takes} - TAKES:
            raise _wrong(folder, f"wants {', '.join(sorted(unknown))}; a cross-encoder does not")
        padding = self._tokenizer.padding or {}
        ids = (self._tokenizer.token_to_id(token) for token in ("[PAD]", "<pad>"))
        self._pad = padding.get("pad_id") or next((one for one in ids if one is not None), 0)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST, strategy="longest_first")
        scores = self._scored("?", ["?"])
        if scores.shape != (1,):
            raise _wrong(folder, f"gives {scores.size} values for a pair; one or two are a score")

    async def rerank(
        self, question: str, passages: Sequence[Passage], seconds: float
    ) -> list[float]:
        """The model's scores.

        Raises RerankError when they take longer than `seconds`.
        """
        return await asyncio.to_thread(self._within, question, passages, seconds)

    async def close(self) -> None:
        """Nothing is open but memory."""

    def _within(self, question: str, passages: Sequence[Passage], seconds: float) -> list[float]:
        end, found = time.monotonic() + seconds, list[float]()
        for start in range(0, len(passages), TOGETHER):
            if time.monotonic() >= end:
                raise RerankError(f"scored {start} of {len(passages)} in the time there is")
            some = [shown(passage) for passage in passages[start : start + TOGETHER]]
            found += self._scored(question, some).tolist()
        return found

    def _scored(self, question: str, texts: Sequence[str]) -> Any:
        """The scores [texts]: the model's one value, or how far "yes" is above "no"."""
        read = self._tokenizer.encode_batch([(question, text) for text in texts])
        longest = max(len(each.ids) for each in read)
        rows = {
            "input_ids": np.full((len(read), longest), self._pad, np.int64),
            "attention_mask": np.zeros((len(read), longest), np.int64),
            "token_type_ids": np.zeros((len(read), longest), np.int64),
        }
        for row, each in enumerate(read):
            rows["input_ids"][row, : len(each.ids)] = each.ids
            rows["attention_mask"][row, : len(each.ids)] = each.attention_mask
            rows["token_type_ids"][row, : len(each.ids)] = each.type_ids
        values = self._session.run(None, {take: rows[take] for take in self._takes})[0]
        logits = np.asarray(values, np.float64).reshape(len(read), -1)
        if logits.shape[1] == 2:
            return logits[:, 1] - logits[:, 0]
        return logits[:, 0] if logits.shape[1] == 1 else logits.ravel()


def _wrong(folder: Path, what: str) -> SettingsError:
    return SettingsError(
        f"the cross-encoder in {folder} (rerank_folder in settings.toml) {what}; docs/rerank.md "
        'says which there are, and rerank = "none" under [retrieval] in contract.toml goes '
        "without one"
    )
