"""Whatever a file holds, it is drafted from or refused in words; its rows keep what is drafted."""

import csv
import io
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.contract.read import parse_contract
from engine.core.errors import ProjectError
from engine.data.checks import check_rows
from engine.data.read import read_rows
from tools.draft.draft import draft_contract
from tools.draft.toml import to_toml

Value = Callable[[random.Random, int], object]
ODD = (
    "\x00",
    "\x1b[2J",
    "\u202e",
    "\ufeff",
    "\u2028",
    '"',
    "'",
    ",",
    ";",
    "\t",
    "\n",
    "\r\n",
    "é",
    "💥",
)
VALUES: dict[str, Value] = {
    "class": lambda r, _: r.choice("ab"),
    "flag": lambda r, _: r.randrange(2),
    "number": lambda r, _: round(r.gauss(0, 9), 3),
    "count": lambda r, _: int(r.expovariate(0.3)),
    "huge": lambda r, _: r.choice(["1e400", "-1e308", "9" * 40, "1e39", "0.1e-300", 3]),
    "odd number": lambda r, _: r.choice(
        ["$1,234", "12%", "1.234,5", "-", "+", "١٢", "1_0", "0x1", 5]
    ),
    "marker": lambda r, i: r.choice(["NA", "?", "", " ", "nan", "-999", i]),
    "date": lambda r, _: f"{r.randrange(1800, 2200)}-{r.randrange(1, 14)}-{r.randrange(1, 33)}",
    "slashed": lambda r, _: f"{r.randrange(40)}/{r.randrange(40)}/{r.randrange(100)}",
    "year": lambda _, i: 1900 + i,
    "key": lambda _, i: i,
    "code": lambda r, i: f"A{i}-{r.randrange(9)}",
    "same": lambda _r, _i: "same",
    "empty": lambda _r, _i: "",
    "prose": lambda r, _: " ".join(r.choice(["so", "it", "was"]) for _ in range(r.randrange(60))),
    "odd": lambda r, _: "".join(r.choice(ODD) for _ in range(r.randrange(4))),
    "long": lambda r, _: "x" * r.randrange(5000),
}
NAMES = [
    "a",
    "b",
    "age",
    "sex",
    "name",
    "year",
    "id",
    "customer",
    "date",
    "Phone",
    "",
    " ",
    "é",
    *ODD,
]
ENCODINGS = ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-32", "cp437"]
Damage = Callable[[random.Random, bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "none": lambda _, content: content,
    "cut": lambda r, content: content[: r.randrange(len(content) + 1)],
    "byte": lambda r, content: _at(r, content, bytes([r.randrange(256)])),
    "quote": lambda r, content: _at(r, content, b'"'),
    "line": lambda r, content: _at(r, content, b"\n"),
    "more": lambda r, content: _at(r, content, b",1,2"),
    "returns": lambda _, content: content.replace(b"\n", b"\r"),
    "noise": lambda r, content: r.randbytes(len(content)),
}


def _at(chance: random.Random, content: bytes, more: bytes) -> bytes:
    place = chance.randrange(len(content) + 1)
    return content[:place] + more + content[place:]


@settings(
    max_examples=500,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    columns=st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from([*VALUES])),
        min_size=1,
        max_size=6,
        unique_by=lambda column: column[0],
    ),
    aim=st.sampled_from([*["class", "flag", "number", "count"] * 8, *VALUES]),
    count=st.sampled_from([150, 60, 20, 19, 1, 0]),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(ENCODINGS),
    damage=st.sampled_from([*["none"] * 20, *DAMAGES]),
    seed=st.integers(0, 1 << 30),
)
@example([("x", "number")], "number", 150, ",", "cp1252", "none", 0)
def test_a_damaged_table_is_drafted_from_or_refused_in_words(
    columns: list[tuple[str, str]],
    aim: str,
    count: int,
    separator: str,
    encoding: str,
    damage: str,
    seed: int,
) -> None:
    chance, text = random.Random(seed), io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    kinds = [*(kind for _, kind in columns), aim]
    writer.writerow([*(name for name, _ in columns), "target"])
    writer.writerows([VALUES[kind](chance, i) for kind in kinds] for i in range(count))
    content = DAMAGES[damage](chance, text.getvalue().encode(encoding, errors="replace"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(content)
        try:
            found = draft_contract(str(path), "target")
        except ProjectError as error:
            assert str(error)  # noqa: PT017 - a refusal has words; anything else is a traceback
            return
        contract = parse_contract(to_toml(found))
        check_rows(read_rows(str(path), contract), contract)
