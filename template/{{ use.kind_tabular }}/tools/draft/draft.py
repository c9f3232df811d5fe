"""A first contract from a table: types, roles, split and gates, each guess with a reason."""

from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa
from msgspec.structs import replace

from engine.contract.schema import Contract, Dataset, Split, Task
from engine.core.errors import DataError
from engine.data.leaks import copies, suspects
from engine.data.read import read_bytes, typed_rows
from engine.data.source import matching, read_source
from engine.data.split import labelled, split_rows
from tools.draft import dialect, limits
from tools.draft import target as targets
from tools.draft.pii import is_key
from tools.draft.profile import Profile, profile
from tools.draft.roles import column
from tools.draft.timestamp import timestamp


@dataclass
class Draft:
    """A contract in the making: reasons for each column's entry, notes on the rest."""

    contract: Contract
    reasons: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def all_notes(self) -> list[str]:
        """Everything that was guessed, columns included."""
        shown = {n: r for n, r in self.reasons.items() if n != self.contract.dataset.timestamp}
        own = [f"{name!r}: {reason}" for name, reasons in shown.items() for reason in reasons]
        return self.notes + own


def draft_contract(
    source: str | tuple[str, ...], target: str, task: Task | None = None, query: str = ""
) -> Draft:
    """Look at every column of the rows and guess its place in the contract.

    `source` and `query` are those of the contract. Raises DataError with the column and the reason
    when the target cannot be modelled or no feature is left.
    """
    base = Dataset(source=source, query=query, target=target, task="regression")
    if not query:
        content = read_bytes(matching(base.sources[0])[0])
        base = replace(base, separator=dialect.separator(content, target))
    table = read_source(base)
    targets.require_column(target, table.column_names, base.origin)
    base, notes = dialect.dialect(table, base, target)
    profiles = {name: profile(name, table.column(name), base) for name in table.column_names}
    aim = profiles.pop(target)
    chosen, more = targets.task_of(aim, task)
    notes += more
    if chosen == "classification":
        classes, positive, more = targets.classes_of(aim)
        base = replace(base, task=chosen, classes=classes, positive=positive)
        notes += more
    if aim.missing:
        notes.append(
            f"{aim.missing} of {aim.rows} rows have no target: nothing is learnt from them"
        )
    draft = _columns(base, table, profiles, notes)
    frame = labelled(typed_rows(table, draft.contract, base.origin), draft.contract)
    draft = _without_leaks(draft, frame)
    if not draft.contract.features:
        why = "; ".join(f"{name!r} {reasons[0]}" for name, reasons in draft.reasons.items())
        raise DataError(f"no column is left to predict {target!r} from: {why}")
    return _with_split(draft, frame)


def _columns(
    base: Dataset, table: pa.Table, profiles: dict[str, Profile], notes: list[str]
) -> Draft:
    entries, reasons = {}, {}
    for name, seen in profiles.items():
        entries[name], reasons[name] = column(seen)
    stamp = timestamp(profiles, entries, table, base)
    if stamp:
        base = replace(base, timestamp=stamp)
        entries[stamp] = replace(entries[stamp], role="ignored")
        reasons[stamp] = ["when a row was true: oldest rows train, newest rows test"]
    for name, seen in profiles.items():
        repeated = 1 < seen.distinct < seen.known and not seen.missing
        if is_key(seen) and repeated and entries[name].role == "ignored" and not base.entity:
            base = replace(base, entity=name)
            notes.append(f"{name!r} is taken for the entity: whom or what a row is about")
    contract = Contract(dataset=base, columns=entries, gates=limits.drafted(base))
    return Draft(contract, reasons, notes)


def _without_leaks(draft: Draft, frame: pd.DataFrame) -> Draft:
    for name, reason in suspects(frame, draft.contract).items():
        entry = replace(draft.contract.columns[name], role="ignored", known_at="outcome")
        draft.contract.columns[name] = entry
        draft.reasons[name].insert(
            0,
            f"{reason}: kept from the model as a leak; if it is known in time, "
            'set role = "feature" and known_at = "prediction"',
        )
    draft.contract = replace(draft.contract)  # what it derives from its columns is worked out anew
    return draft


def _with_split(draft: Draft, frame: pd.DataFrame) -> Draft:
    """The first kind of split under which every part has rows of every class."""
    base = draft.contract.dataset
    methods = [m for m, name in (("time", base.timestamp), ("group", base.entity)) if name]
    for method in (*methods, "random"):
        contract = replace(draft.contract, split=Split(method=method))  # type: ignore[arg-type]
        try:
            parts = split_rows(frame, contract)
        except DataError as error:
            draft.notes.append(f'split.method = "{method}" is not possible: {error}')
            continue
        absent = set(base.classes) - set(parts.test[base.target])
        if absent and method != "random":
            draft.notes.append(f'split.method = "{method}" leaves no test row of {sorted(absent)}')
            continue
        why = {"time": f"by time, {base.timestamp!r}", "group": f"by entity, {base.entity!r}"}
        draft.notes.append(f"rows are split {why.get(method, 'at random')}")
        draft.notes += copies(parts, contract)
        draft.contract, more = limits.for_rare(contract, parts)
        draft.notes += more
        return draft
    raise DataError(f"the rows cannot be split for training and test: {draft.notes[-1]}")
