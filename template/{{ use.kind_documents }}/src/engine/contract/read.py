"""Reading contract.toml; whatever is wrong with it is named with its place and the rule."""

import tomllib
from pathlib import Path

import msgspec

from engine.contract.schema import FORMATS, Contract
from engine.core.errors import ContractError

FILE = "contract.toml"
SHARES = (
    *("hit_at_5", "mrr_at_10", "ndcg_at_10", "recall_at_5", "citation_precision", "correct"),
    *("refused_absent", "refused_outside"),
)


def load_contract(path: str | Path = FILE) -> Contract:
    """The contract of this repository.

    Raises ContractError when it is missing, no TOML, or says what it may not.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"{path} cannot be read: {error}") from None
    return parse_contract(text, str(path))


def parse_contract(text: str, path: str = FILE) -> Contract:
    """The contract in a text; `path` is for messages."""
    try:
        contract = msgspec.convert(tomllib.loads(text), Contract)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{path} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ContractError(f"{path}: {_place(error)}") from None
    if faults := _faults(contract):
        raise ContractError(f"{path} contradicts itself:\n" + "\n".join(f"- {f}" for f in faults))
    return contract


def _place(error: msgspec.ValidationError) -> str:
    """`Expected int - at $.splitter.size` as a person would say it."""
    what, _, where = str(error).partition(" - at `$.")
    return f"{where.rstrip('`')}: {what}" if where else what


def _faults(contract: Contract) -> list[str]:
    split, retrieval, gates = contract.splitter, contract.retrieval, contract.gates
    rules = [
        (split.size >= 100, f"splitter.size is {split.size}; the least is 100"),
        (
            0 <= split.overlap < split.size,
            f"splitter.overlap is {split.overlap}; it must be 0 or more, and less than "
            f"splitter.size {split.size}",
        ),
        (
            1 <= retrieval.passages <= retrieval.pool,
            f"retrieval.passages is {retrieval.passages}; it must be 1 to retrieval.pool "
            f"({retrieval.pool})",
        ),
        (retrieval.pool <= 200, f"retrieval.pool is {retrieval.pool}; the most is 200"),
        (retrieval.rrf >= 1, f"retrieval.rrf is {retrieval.rrf}; the least is 1"),
        (retrieval.dimensions >= 2, f"retrieval.dimensions is {retrieval.dimensions}; at least 2"),
        (
            retrieval.dense != "endpoint" or bool(retrieval.encoder_model),
            'retrieval.dense is "endpoint", but retrieval.encoder_model names no model',
        ),
        (
            0 <= contract.answer.refuse_below <= 1,
            f"answer.refuse_below is {contract.answer.refuse_below:g}; it is a share: 0 to 1",
        ),
        (contract.judge.max_tokens > 0, "judge.max_tokens must be more than 0"),
        (contract.judge.most_tokens >= 0, "judge.most_tokens must be 0 (no limit) or more"),
        (
            contract.privacy.log_questions or not contract.privacy.log_answers,
            "privacy.log_answers is true and privacy.log_questions is false: an answer would say "
            "what was asked, and without its question nobody can judge it",
        ),
        (
            1 <= contract.guard.longest_question <= 20_000,
            f"guard.longest_question is {contract.guard.longest_question}; it must be 1 to 20000",
        ),
        (contract.corpus.largest_mb > 0, "corpus.largest_mb must be more than 0"),
        (gates.p99_ms > 0, "gates.p99_ms must be more than 0"),
    ]
    faults = [fault for is_kept, fault in rules if not is_kept]
    for name in contract.corpus.formats:
        if name not in FORMATS:
            faults.append(f"corpus.formats has {name!r}; there are: {', '.join(FORMATS)}")
    for name in SHARES:
        value = getattr(gates, name)
        if value is not None and not 0 <= value <= 1:
            faults.append(f"gates.{name} is {value:g}; it is a share of questions: 0 to 1")
    return faults
