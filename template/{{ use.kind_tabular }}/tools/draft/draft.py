"""A first contract from a table: types, roles, split and gates, each guess with a reason."""

from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa
from msgspec.structs import replace

from engine.contract.schema import Column, Contract, Dataset, Split, Task
from engine.core.errors import DataError
from engine.data.read import read_bytes, typed_rows
from engine.data.signs import copies
from engine.data.signs.leaks import WAY, suspects
from engine.data.signs.proxies import proxies
from engine.data.source import matching, read_source
from engine.data.split import labelled, split_rows
from engine.data.types import layout, typed
from tools.draft import dialect, limits, said
from tools.draft import target as targets
from tools.draft import timestamp as times
from tools.draft.pii import is_entity, is_key, is_of_people
from tools.draft.profile import Profile, profile
from tools.draft.roles import column
from tools.draft.types import is_nested

LOOKED_AT = 200_000  # rows, evenly spread, in which leaks and proxies are looked for


@dataclass
class Draft:
    """A contract in the making: reasons for each column's entry, notes on the rest."""

    contract: Contract
    reasons: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def all_notes(self) -> list[str]:
        """Everything that was guessed, columns included."""
        own = [f"{name!r}: {why}" for name, reasons in self.reasons.items() for why in reasons]
        return self.notes + own


def draft_contract(
    source: str | tuple[str, ...],
    target: str,
    task: Task | None = None,
    query: str = "",
    answered: Task | None = None,
) -> Draft:
    """Look at every column of the rows and guess its place in the contract.

    `source` and `query` are those of the contract, `answered` is the task that the repository was
    made for. Raises DataError with the column and
    the reason when the target cannot be modelled or no feature is left.
    """
    table, base, notes = _read(source, query, target)
    base, units, more = dialect.dialect(table, base, target)
    notes += more
    profiles = {
        name: profile(name, table.column(name), base, units.get(name, ""))
        for name in table.column_names
    }
    notes += said.missing(profiles)
    aim = profiles.pop(target)
    chosen, more = targets.task_of(aim, task, answered)
    notes += more
    base = replace(base, task=chosen, unit=aim.unit if chosen == "regression" else "")
    if chosen == "classification":
        classes, positive, more = targets.classes_of(aim)
        base = replace(base, classes=classes, positive=positive)
        notes += more
    if aim.missing:
        notes.append(
            f"{aim.missing} of {aim.rows} rows have no target: nothing is learnt from them"
        )
    draft = _columns(base, table, profiles, notes)
    step = -(-len(table) // LOOKED_AT)
    some = table if step == 1 else table.take(list(range(0, len(table), step)))
    frame = labelled(typed_rows(some, draft.contract, base.origin), draft.contract)
    draft = _with_features(_without_leaks(draft, frame))
    draft = _with_split(draft, frame if step == 1 else _split_by(table, draft.contract))
    draft.notes += proxies(frame, draft.contract)
    if step == 1:
        draft.notes += copies.warnings(
            copies.copies(split_rows(frame, draft.contract), draft.contract)
        )
    draft.notes += said.ranges(profiles, draft.contract)
    return draft


def _read(
    source: str | tuple[str, ...], query: str, target: str
) -> tuple[pa.Table, Dataset, list[str]]:
    """The raw table, how its file is written, and what was guessed of that."""
    base, notes = Dataset(source=source, query=query, target=target, task="regression"), list[str]()
    if not query:
        first = matching(base.sources[0])[0]
        content = read_bytes(first)
        encoding, note = dialect.encoding(content, first)
        mark = dialect.separator(content, target, encoding)
        base, notes = replace(base, separator=mark, encoding=encoding), [note] if note else []
    table = read_source(base)
    targets.require_column(target, table.column_names, base.origin)
    nested = [name for name in table.column_names if is_nested(table.column(name))]
    if target in nested:
        raise DataError(f"the target {target!r} holds lists or records; name one value of them")
    if nested:
        notes.append(f"{', '.join(map(repr, nested))} hold lists or records: left out")
    return table.drop_columns(nested), base, notes


def _columns(
    base: Dataset, table: pa.Table, profiles: dict[str, Profile], notes: list[str]
) -> Draft:
    entries: dict[str, Column] = {}
    reasons: dict[str, list[str]] = {}
    of_people = is_of_people([*profiles, base.target])
    for name, seen in profiles.items():
        entries[name], reasons[name] = column(seen, of_people=of_people)
    stamp = times.timestamp(profiles, entries, table, base)
    if not stamp:
        stamp, more = times.year(profiles, entries, table)
        notes += more
    then_by = stamp.then_by if stamp else ()
    if stamp:
        base = replace(base, timestamp=stamp.name)
        before = entries[stamp.name]
        entries[stamp.name] = replace(
            before, role="feature" if stamp.is_feature else "ignored", max=stamp.most
        )
        kept = reasons[stamp.name] if before.role == "feature" else []
        reasons[stamp.name] = [stamp.why, *kept]
    things = [
        name
        for name, seen in profiles.items()
        if is_key(seen)
        and 1 < seen.distinct < seen.known
        and not seen.missing
        and entries[name].role == "ignored"
    ]
    if things:
        entity = max(things, key=is_entity)  # the first of those that are called so
        base = replace(base, entity=entity)
        notes.append(f"{entity!r} is taken for the entity: whom or what a row is about")
    contract = Contract(
        dataset=base, columns=entries, gates=limits.drafted(base), split=Split(then_by=then_by)
    )
    return Draft(contract, reasons, notes)


def _without_leaks(draft: Draft, frame: pd.DataFrame) -> Draft:
    """Keep from the model what says the target; what only may is kept in it, and said."""
    for name, suspect in suspects(frame, draft.contract).items():
        way = f"kept as a feature, because an honest column may do so; {WAY}"
        if suspect.is_sure:
            entry = replace(draft.contract.columns[name], role="ignored", known_at="outcome")
            draft.contract.columns[name] = entry
            way = (
                "kept from the model as a leak; if it is known in time, "
                'set role = "feature" and known_at = "prediction"'
            )
        draft.reasons[name].insert(0, f"{suspect.why}: {way}")
    draft.contract = replace(draft.contract)  # what it derives from its columns is worked out anew
    return draft


def _with_features(draft: Draft) -> Draft:
    """A table that has nothing but its time is learnt from the parts of the time.

    Raises DataError when no feature is left.
    """
    contract, stamp = draft.contract, draft.contract.dataset.timestamp
    if contract.features:
        return draft
    if stamp and contract.columns[stamp].known_at == "prediction":
        contract.columns[stamp] = replace(contract.columns[stamp], role="feature")
        draft.reasons[stamp].append(
            "no other column is left, so its hour, weekday and day of the year are the features"
        )
        draft.contract = replace(contract)
        return draft
    why = "; ".join(f"{name!r} {', '.join(reasons)}" for name, reasons in draft.reasons.items())
    raise DataError(f"no column is left to predict {contract.dataset.target!r} from: {why}")


def _split_by(table: pa.Table, contract: Contract) -> pd.DataFrame:
    """Nothing but the columns that decide the split, of the rows with a target."""
    data, columns = contract.dataset, layout(contract)
    names = [n for n in (data.target, data.entity, data.timestamp, *contract.split.then_by) if n]
    frame = pd.DataFrame({n: typed(table.column(n), columns[n], data) for n in names})
    return labelled(frame, contract)


def _with_split(draft: Draft, frame: pd.DataFrame) -> Draft:
    """The first kind of split under which every part has rows of every class."""
    base = draft.contract.dataset
    methods = [m for m, name in (("time", base.timestamp), ("group", base.entity)) if name]
    for method in (*methods, "random"):
        then_by = draft.contract.split.then_by if method == "time" else ()
        split = Split(method=method, then_by=then_by)  # type: ignore[arg-type]
        contract = replace(draft.contract, split=split)
        try:
            parts = split_rows(frame, contract)
        except DataError as error:
            draft.notes.append(f'split.method = "{method}" is not possible: {error}')
            continue
        absent = set(base.classes) - set(parts.test[base.target])
        if absent and method != "random":
            draft.notes.append(f'split.method = "{method}" leaves no test row of {sorted(absent)}')
            continue
        draft.notes.append(said.split(contract))
        draft.contract, more = limits.for_rare(contract, parts)
        draft.notes += more
        return draft
    raise DataError(f"the rows cannot be split for training and test: {draft.notes[-1]}")
