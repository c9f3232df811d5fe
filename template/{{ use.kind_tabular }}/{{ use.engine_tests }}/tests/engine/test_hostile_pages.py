"""Nothing that stands in the data becomes part of a page: it is shown as it stands."""

import re
from pathlib import Path

from engine.contract.read import load_contract
from tools import data

from .hostile import CLASSES, COLUMNS, HOSTILE, TARGET, TEXT, UNIT, VALUES, assert_alike, read
from .made_up import inside


def test_every_word_reaches_the_contract_as_it_is(hostile: Path) -> None:
    contract = load_contract(hostile / "contract.toml")

    assert contract.dataset.target == HOSTILE[TARGET]
    assert contract.dataset.description == HOSTILE[TEXT]
    assert {HOSTILE[name] for name in COLUMNS} <= contract.columns.keys()
    assert {*contract.columns[HOSTILE["first"]].values} == {HOSTILE[v] for v in VALUES}
    assert {*contract.classes} == {HOSTILE[name] for name in CLASSES}


def test_the_data_report_shows_names_and_values_as_text(hostile: Path, harmless: Path) -> None:
    for folder in (hostile, harmless):
        with inside(folder):
            data.main(["data", "report"])

    assert (hostile / "reports").stat().st_mode & 0o005 == 0o005  # an exporter reads beside it
    assert not (hostile / "reports/data.html").stat().st_mode & 0o007
    words = (*COLUMNS, *VALUES, *CLASSES, TARGET, TEXT, UNIT)
    assert_alike(hostile / "reports/data.html", harmless / "reports/data.html", words)


def test_the_model_card_shows_names_and_values_as_text(hostile: Path, harmless: Path) -> None:
    words = (*COLUMNS, *VALUES[:3], *CLASSES, TARGET, TEXT, UNIT)
    assert_alike(hostile / "MODEL_CARD.md", harmless / "MODEL_CARD.md", words)


def test_the_card_of_a_harmless_table_needs_no_escapes(harmless: Path) -> None:
    text = (harmless / "MODEL_CARD.md").read_text(encoding="utf-8")

    assert not re.findall(r"\\.", text)


def test_a_reader_sees_what_a_page_would_run(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](javascript:x) <img src=x onerror=y>\n\n<!-- z -->\n", encoding="utf-8")

    parts, _ = read(page)

    assert {("a", "href", "javascript"), ("img", "onerror", ""), ("comment", " z ")} <= parts
