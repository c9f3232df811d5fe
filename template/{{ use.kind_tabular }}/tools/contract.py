"""The verb `contract`: write a first contract from a table, or check a table."""

import argparse
import difflib
import re
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from engine.contract import app
from engine.contract.read import load_contract, source_faults
from engine.contract.schema import Contract, Dataset, Task
from engine.core.errors import ContractError, DataError, shown
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.data import sample
from engine.data.checks import check_rows
from engine.data.read import read_file, row_of_file, typed_rows
from engine.data.source import VARIABLE, called, matching
from engine.features.lookup import complete
from engine.training.metrics import higher_is_better
from tools.draft import limits
from tools.draft.draft import Draft, draft_contract
from tools.draft.toml import to_toml

CONTRACT, DATA, ANSWERS = "contract.toml", "data", ".copier-answers.yml"
NAMES = 40  # columns that are named after a draft; the contract has all


def main(argv: list[str]) -> int:
    """Draft a contract from a table, or check a table against the contract."""
    parser = argparse.ArgumentParser(prog="run.py contract", description=main.__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    first = verbs.add_parser("draft", help="write a first contract from a CSV or Parquet file")
    first.add_argument(
        "file", nargs="+", help="paths or URLs of files, a folder, a pattern; or a database"
    )
    first.add_argument("--query", default="", metavar="SQL", help="which rows of the database")
    first.add_argument("--target", required=True, metavar="COLUMN", help="what is to be predicted")
    first.add_argument(
        "--task", choices=("classification", "regression"), help="when the guess is wrong"
    )
    first.add_argument("--out", default=CONTRACT, help="where to write (default: %(default)s)")
    first.add_argument("--force", action="store_true", help="replace a contract of your own")
    second = verbs.add_parser("check", help="say which rows break which rule")
    second.add_argument("file", nargs="?", help="path or URL (default: the contract's source)")
    options = parser.parse_args(argv[1:])
    if options.verb == "check":
        return check(options.file)
    return write(
        options.file,
        options.target,
        options.task,
        Path(options.out),
        query=options.query,
        force=options.force,
    )


def check(file: str | None) -> int:
    """Every rule of the contract, on every row; rows without a target are taken for a batch."""
    contract = load_contract(CONTRACT)
    higher_is_better(contract)
    data = contract.dataset
    source = file or data.origin
    table = read_file(file, data.separator, data.encoding) if file else app.data().load(contract)
    with_target = data.target in table.column_names
    if not with_target:
        _require_batch(table.column_names, contract, source, own=not file)
    frame = typed_rows(table, contract, source, with_target=with_target)
    frame = complete(frame, contract)
    try:
        place = row_of_file if file else partial(called, contract.dataset)
        check_rows(frame, contract, with_target=with_target, called=place)
    except DataError as error:
        raise DataError(f"{source} does not keep the contract:\n{error}") from None
    batch = "" if with_target else f", without the target {data.target!r}: a batch to score"
    print(f"OK: {source} keeps the contract: {len(frame)} rows, {frame.shape[1]} columns{batch}")
    return 0


def _require_batch(names: list[str], contract: Contract, source: str, *, own: bool) -> None:
    """Refuse rows without the target where it seems to be misspelt, here or there."""
    target = contract.dataset.target
    spare = [name for name in names if name not in contract.columns]
    near = difflib.get_close_matches(target, spare, 1) or [
        name for name in spare if name.casefold() == target.casefold()
    ]
    if own or near:
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise DataError(
            f"{source} has no column {target!r}, which dataset.target in {CONTRACT} names; {hint}"
            f"it has {', '.join(map(repr, names))}"
        )


def write(
    files: list[str], target: str, task: Task | None, out: Path, *, query: str = "", force: bool
) -> int:
    """Draft a contract, put it in place and say what was guessed."""
    old = _present(out)
    _require_ours(out, old, force)
    named: str | tuple[str, ...] = files[0] if len(files) == 1 else tuple(files)
    asked = Dataset(source=named, query=query, target=target, task="regression")
    if faults := source_faults(asked):
        raise ContractError("\n".join(faults))
    source, copies = _places(files, query)
    draft = draft_contract(named, target, task, query, _answered())
    dataset = replace(draft.contract.dataset, source=source)
    draft.contract, carried = _carry(
        old or _present(Path(CONTRACT)), replace(draft.contract, dataset=dataset)
    )
    text = to_toml(draft)
    for file, place in copies:
        _copy(Path(file), Path(place), force)
        say(f"{file} lies outside the project and was copied to {place}")
    if out.exists():
        kept = _free(out.with_name(f"{out.name}.before"))
        shutil.copyfile(out, kept)
        print(f"the contract that was there is kept as {kept}")
    Storage(out.parent).write(out.name, text.encode())
    for line in carried:
        say(line)
    say(_summary(draft, out))
    return 0


def _carry(before: Contract | None, now: Contract) -> tuple[Contract, list[str]]:
    """The new contract with what holds of the one before, and what is said about its limits."""
    if not before:
        return now, []
    gates, lines = limits.carried(before, now)
    if sample.is_asked_for(before):  # its limits are nobody's decision
        lines = []
    dataset = replace(now.dataset, privacy=before.dataset.privacy)
    title = ["limits of the contract before:"] if lines else []
    return (
        replace(now, dataset=dataset, fallback=before.fallback, gates=gates),
        [*title, *(f"  - {line}" for line in lines)],
    )


def _answered() -> Task | None:
    """The task this repository was made for, as the answers it was rendered from say."""
    path = Path(ANSWERS)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.search(r"(?m)^problem: (classification|regression)$", text)
    return cast(Task, found[1]) if found else None


def _present(out: Path) -> Contract | None:
    if not out.exists():
        return None
    try:
        return load_contract(out)
    except ContractError:
        return None


def _require_ours(out: Path, old: Contract | None, force: bool) -> None:
    """Only the contract of the sample data is replaced unasked."""
    if force or not out.exists():
        return
    if old and sample.is_asked_for(old):
        return
    raise ContractError(
        f"{out} is a contract of your own; replace it with --force (a copy is kept)"
    )


def _places(files: list[str], query: str) -> tuple[str | tuple[str, ...], list[tuple[str, str]]]:
    """What the contract names as source: URLs and paths inside the project; and what to copy."""
    named: list[str] = []
    copies: list[tuple[str, str]] = []
    for file in files:
        if "://" in file or file.startswith(VARIABLE):
            named.append(file)
            continue
        path = Path(file).resolve()
        if path.is_relative_to(Path.cwd()):
            named.append(path.relative_to(Path.cwd()).as_posix())
            continue
        if query:
            raise DataError(
                f"{file} lies outside the project, and others find no such path on their machines; "
                f"move it here, or set an environment variable to its path and name {VARIABLE}NAME"
            )
        inside = [(found, f"{DATA}/{Path(found).name}") for found in matching(file)]
        named += [place for _, place in inside]
        copies += inside
    if twice := [place for place in named if named.count(place) > 1]:
        raise DataError(f"two of the files would be {twice[0]}; rename one")
    return (named[0] if len(named) == 1 else tuple(named)), copies


def _copy(file: Path, place: Path, force: bool) -> None:
    if place.exists() and not force and place.read_bytes() != file.read_bytes():
        raise DataError(
            f"{place} exists and differs from {file}; rename one, or replace it with --force"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, place)


def _free(path: Path) -> Path:
    """The path itself, or with the first number under which nothing lies yet."""
    number, free = 1, path
    while free.exists():
        number, free = number + 1, path.with_name(f"{path.name}{number + 1}")
    return free


def _summary(draft: Draft, out: Path) -> str:
    contract, lines = draft.contract, []
    names = ", ".join([*contract.features][:NAMES])
    if len(contract.features) > NAMES:
        names += f" and {len(contract.features) - NAMES} more"
    lines.append(
        f"{out}: {contract.dataset.task} of {contract.dataset.target!r} "
        f"from {len(contract.features)} of {len(contract.columns)} columns: {names}"
    )
    lines.append("please look at what was guessed:")
    lines += [f"  - {note}" for note in draft.all_notes]
    lines.append("then: python3 run.py up    (to see the data first: python3 run.py data report)")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(shown("contract", lambda: main(["contract", *sys.argv[1:]])))
