"""A drafted contract as readable TOML: columns in file order, reasons as comments."""

import textwrap
from typing import Any

import msgspec
import tomlkit
from tomlkit.items import Array, Item, Table

from engine.contract.read import parse_contract
from engine.contract.schema import Column, Contract
from tools.draft.draft import Draft

WIDTH = 96
HEAD = """The data contract, drafted from {source}: please read it once, above all what is below.
Types, ranges and values come from the rows; roles are guesses.
After an edit: python3 run.py contract check    To see the data: python3 run.py data report

What was guessed, or is worth a look:"""
DECISION = """The more probable class is the answer; or say what a mistake costs, or a threshold:
[decision]
cost_false_positive = 1
cost_false_negative = 5"""
REMARKS = {
    "positive": "the class the model is asked about",
    "entity": "whom or what a row is about",
    "timestamp": "when a row was true",
    "metric": "compared with the floor, the baseline and the champion",
    "floor": "the least that is good enough",
    "baseline_margin": "better than a model that looks at nothing, by at least this",
    "champion_margin": "a new model may be worse than the champion by this much",
    "slice_gap": "no slice may be worse than all other rows by more",
    "slice_rows": "smaller groups are not judged",
    "fairness_gap": "no two groups of a sensitive column may differ by more",
    "p99_ms": "latency budget of one prediction",
}
OPEN = ("floor", "slice_gap", "fairness_gap")
ALWAYS = {
    "dataset": ("source", "task", "target"),
    "split": ("method", "validation", "test", "seed"),
    "gates": ("metric", "baseline_margin", "champion_margin", "slice_rows", "p99_ms"),
    "fallback": ("answer",),
    "column": ("type",),
}


def to_toml(draft: Draft) -> str:
    """The text of `contract.toml`; it parses back to the draft's contract."""
    contract = draft.contract
    document = tomlkit.document()
    for line in HEAD.format(source=_plain(contract.dataset.origin)).splitlines():
        document.add(tomlkit.comment(line) if line else tomlkit.nl())
    for note in draft.all_notes:
        for line in _wrapped(f"- {_plain(note)}"):
            document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    for part in ("dataset", "split", "gates", "fallback"):
        table = _table(getattr(contract, part), ALWAYS[part])
        for line in _undecided(contract) if part == "gates" else []:
            table.add(tomlkit.comment(line))
        document.add(part, table.add(tomlkit.nl()))
    if contract.positive:
        for line in DECISION.splitlines():
            document.add(tomlkit.comment(line))
        document.add(tomlkit.nl())
    columns = tomlkit.table(is_super_table=True)
    for name, entry in contract.columns.items():
        table = _table(entry, ALWAYS["column"], draft.reasons.get(name, []))
        columns.add(name, table.add(tomlkit.nl()))
    document.add("columns", columns)
    text = tomlkit.dumps(document)
    _require_same(contract, text)
    return text


def _table(
    struct: msgspec.Struct, always: tuple[str, ...], reasons: list[str] | None = None
) -> Table:
    table = tomlkit.table()
    for reason in reasons or []:
        for line in _wrapped(_plain(reason)):
            table.add(tomlkit.comment(line))
    kind = type(struct)
    defaults = {f.name: f.default for f in msgspec.structs.fields(kind)}
    for name in kind.__struct_fields__:
        value = getattr(struct, name)
        if value is None or (value == defaults[name] and name not in always):
            continue
        table.add(name, _value(value))
        if name in REMARKS and not isinstance(struct, Column):
            _remark(table[name], REMARKS[name])
    return table


def _undecided(contract: Contract) -> list[str]:
    """The limits that nobody has set, to be set here."""
    names = [name for name in OPEN if getattr(contract.gates, name) is None]
    if not contract.sensitive:
        names = [name for name in names if name != "fairness_gap"]
    lines = [f"{f'{name} =':<20}# {REMARKS[name]}" for name in names]
    return ["not decided, measured at each training:", *lines] if lines else []


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        return _array(value)
    if isinstance(value, str) and "\n" in value:
        return tomlkit.string(value, multiline=True)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _array(values: tuple[str, ...]) -> Array:
    """A list on one line, or on as many as it needs."""
    array = tomlkit.array()
    array.extend(values)
    if len(array.as_string()) <= WIDTH - 12:
        return array
    array, line, width = tomlkit.array(), list[str](), 0
    for value in values:
        size = len(tomlkit.item(value).as_string()) + 2
        if line and width + size > WIDTH:
            array.add_line(*line)
            line, width = [], 0
        line.append(value)
        width += size
    array.add_line(*line)
    array.add_line(indent="")
    return array


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False) or [""]


def _plain(text: str) -> str:
    """Text that may stand in a comment: no line breaks, no control characters."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _require_same(contract: Contract, text: str) -> None:
    written = parse_contract(text)
    if written.fingerprint != msgspec.structs.replace(contract).fingerprint:
        raise AssertionError("the contract that was written is not the one that was meant")


def _remark(item: Item, text: str) -> None:
    item.comment(text)
    item.trivia.comment_ws = "  "
