"""A file is read in pieces in the encoding that the contract names, or refused before the work."""

from pathlib import Path

import pytest

from engine.batch.input.file import InputFile
from engine.batch.input.parts import divide
from engine.batch.input.reading import read
from engine.contract.schema import Dataset
from engine.core.errors import DataError

TEXT = "größe;wer\n" + "".join(f"{i};Käthe {i}\n" for i in range(10))
NAMES = ["größe", "wer"]


def dataset(encoding: str) -> Dataset:
    """A data set in an encoding."""
    return Dataset(source="s", target="t", task="regression", separator=";", encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1"])
def test_pieces_are_read_in_the_encoding_of_the_contract(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(TEXT.encode(encoding))
    file, data = InputFile(str(path)), dataset(encoding)

    layout = divide(file, data, 4)
    batches = [b for part in layout.parts for b in read(file, layout, part, NAMES, data)]

    assert list(layout.names) == NAMES
    assert [v for b in batches for v in b.rows.column("wer").to_pylist()] == [
        f"Käthe {i}" for i in range(10)
    ]


def test_a_line_in_another_encoding_is_a_fault_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(TEXT.encode("cp1252") + b"1;\x81x\n" + "2;Zoë\n".encode("cp1252"))
    file, data = InputFile(str(path)), dataset("cp1252")

    layout = divide(file, data, 100)
    batches = list(read(file, layout, layout.parts[0], NAMES, data))

    assert {row: why for b in batches for row, why in b.faults.items()} == {12: "is not CP1252"}
    assert batches[-1].rows.column("wer").to_pylist()[-1] == "Zoë"


def test_what_cannot_be_read_in_pieces_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(TEXT.encode("utf-16"))

    with pytest.raises(DataError, match=r"'utf-16', which writes a comma otherwise.*as UTF-8"):
        divide(InputFile(str(path)), dataset("utf-16"), 4)
