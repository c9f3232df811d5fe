"""Scores parts of a job. The model is loaded, its hashes verified, once for each process."""

import csv
import io
import threading
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from numpy.typing import NDArray

from engine.batch.input.file import InputFile
from engine.batch.input.parts import Part
from engine.batch.input.reading import Batch, read
from engine.batch.job import Job, moment, name, place
from engine.batch.rows.checker import Checked, Checker
from engine.batch.rows.coded_model import CodedModel
from engine.batch.rows.lookup import tables_of
from engine.core.errors import BundleError
from engine.core.storage import Storage
from engine.registry.explanation import Explainer
from engine.registry.predictor import Scores
from engine.registry.registry import Registry


class Scorer:
    """The model of a job, ready."""

    loads = 0
    """How many were loaded in this process."""

    def __init__(self, job: Job) -> None:
        Scorer.loads += 1
        _, bundle = Registry(Storage(job.store)).load(job.version)
        if bundle.manifest.run_id != job.run_id:
            raise BundleError(f"version {job.version} in {job.store} is not the one of this job")
        self._contract = bundle.contract
        self._model, self._check = CodedModel(bundle), Checker(bundle.contract)
        self._explainer = Explainer(bundle, self._model.code if self._model.is_coded else None)
        self._tables = tables_of(bundle.contract)
        self._tables.require(job.tables)
        data = bundle.contract.dataset
        keys = [key for key in (data.entity, data.timestamp) if key in job.layout.names]
        self._keys = [key for key in keys if key not in bundle.contract.personal]
        self._columns = list(dict.fromkeys([*bundle.contract.sent, *keys]))

    def part(self, job: Job, part: Part) -> None:
        """Score a part and write its files, the predictions last.

        Raises DataError, with nothing written, when the input is not the one that was divided.
        """
        faults: dict[int, str] = {}
        logged: list[bytes] = []
        stream, writer = io.BytesIO(), None
        data, file = self._contract.dataset, InputFile(job.input, job.mark)
        for batch in read(file, job.layout, part, self._columns, data):
            faults |= batch.faults
            if not batch.rows.num_rows and writer:
                continue
            batch.rows, without = self._tables.join(batch.rows, job.at)
            checked = self._check(batch.rows, without)
            faults |= {int(batch.numbers[at]): why for at, why in checked.faults.items()}
            table, scores = self._table(job, batch, checked)
            logged += self._log(job, batch, checked, scores)
            writer = writer or pa.parquet.ParquetWriter(stream, table.schema, **_form(table.schema))
            writer.write_table(table)
        if writer:
            writer.close()
        file.require()
        storage = place(job)
        if faults:
            storage.write(name("rejects", part), _csv(faults))
        if logged:
            storage.write(name("log", part), b"".join(logged))
        storage.write(name("predictions", part), stream.getvalue())

    def _table(self, job: Job, batch: Batch, checked: Checked) -> tuple[pa.Table, Scores]:
        good = checked.is_good
        rows, numbers = batch.rows, batch.numbers
        inputs, codes = checked.numbers, checked.codes
        if not good.all():
            rows, numbers = rows.filter(pa.array(good)), numbers[good]
            inputs, codes = inputs[good], codes[good]
        scores = self._model.score(inputs, codes) if len(numbers) else self._no_scores()
        row = pa.array(numbers)
        columns: dict[str, Any] = {"row": row, "prediction_id": _ids(job.fingerprint, row)}
        columns |= self._answers(scores)
        if job.explain:
            columns |= self._reasons(inputs, codes, scores, job.explain)
        constant = {"version": job.version, "run_id": job.run_id, "input": job.layout.digest[:16]}
        for label, value in constant.items():
            places = pa.array(np.zeros(len(numbers), dtype=np.int8))
            columns[label] = pa.DictionaryArray.from_arrays(places, [value])
        for key in self._keys:
            columns[f"input {key}" if key in columns else key] = _plain(rows.column(key))
        return pa.table(columns), scores

    def _answers(self, scores: Scores) -> dict[str, Any]:
        if not self._contract.classes:
            return {"value": pa.array(scores[:, 0])}
        picked = self._model.predictor.decide(scores)
        best = pa.array(picked.astype(np.int32))
        found = {"label": pa.DictionaryArray.from_arrays(best, list(self._contract.classes))}
        for at, label in enumerate(self._contract.classes):
            found[f"probability {label}"] = pa.array(np.ascontiguousarray(scores[:, at]))
        return found

    def _reasons(
        self, numbers: NDArray[Any], codes: NDArray[Any], scores: Scores, most: int
    ) -> dict[str, Any]:
        """The features that moved each prediction most, and by how much; null where none did."""
        model, explainer, classes = self._model, self._explainer, self._contract.classes
        inputs = (numbers, codes if model.is_coded else model.texts(codes))
        decided = model.predictor.decide(scores) if classes else None
        score = model.score_encoded
        places = explainer.explained(decided, len(scores))
        changes = np.nan_to_num(explainer.changes(score, inputs, scores, places))
        order = np.argsort(-np.abs(changes), axis=1, kind="stable")
        found: dict[str, Any] = {}
        for rank in range(min(most, len(explainer.names))):
            picked = order[:, rank]
            change = changes[np.arange(len(changes)), picked]
            names = pa.array(picked.astype(np.int32), mask=change == 0)
            found[f"reason {rank + 1}"] = pa.DictionaryArray.from_arrays(names, explainer.names)
            found[f"change {rank + 1}"] = pa.array(change.astype(np.float32), mask=change == 0)
        return found

    def _no_scores(self) -> NDArray[Any]:
        return np.empty((0, max(len(self._contract.classes), 1)), dtype=np.float32)

    def _log(self, job: Job, batch: Batch, checked: Checked, scores: Scores) -> list[bytes]:
        """Lines as `monitoring.logbook` reads them, of some of the good rows."""
        if not job.log_step:
            return []
        places = np.flatnonzero(checked.is_good)
        picked = np.flatnonzero(batch.numbers[places] % job.log_step == 0)
        answers = self._model.predictor.answers(scores[picked])
        shown = [n for n in self._contract.features if n not in self._contract.personal]
        columns = [checked.known[column](places[picked]) for column in shown]
        rows = zip(*columns, strict=True) if shown else iter([()] * len(picked))
        numbers, at = batch.numbers[places[picked]].tolist(), moment()
        return [
            msgspec.json.encode(
                {
                    "id": f"{job.fingerprint}-{number}",
                    "at": at,
                    "version": job.version,
                    "run_id": job.run_id,
                    "fallback": False,
                    "row": dict(zip(shown, row, strict=True)),
                    "answer": answer,
                }
            )
            + b"\n"
            for number, row, answer in zip(numbers, rows, answers, strict=True)
        ]


_ready: dict[tuple[str, ...], Scorer] = {}
_one_at_a_time = threading.Lock()


def scorer(job: Job) -> Scorer:
    """The scorer of this process, made at the first call."""
    key = (job.store, str(job.version), job.run_id, *job.tables)
    with _one_at_a_time:
        if key not in _ready:
            _ready[key] = Scorer(job)
        return _ready[key]


def _form(schema: pa.Schema) -> dict[str, Any]:
    """How predictions are written: as small as it is cheap, by measurement."""
    kinds = {field.name: field.type for field in schema}
    moments = [name for name, kind in kinds.items() if pa.types.is_timestamp(kind)]
    encodings = dict.fromkeys(["row", *moments], "DELTA_BINARY_PACKED")
    return {
        "compression": {  # a probability shrinks by a tenth and takes three times as long
            name: "none" if pa.types.is_floating(kind) else "zstd" for name, kind in kinds.items()
        },
        "write_statistics": ["row"],  # those of texts cost as much as everything else
        "use_dictionary": [
            name
            for name in kinds
            if name in ("label", "version", "run_id", "input") or name.startswith("reason ")
        ],
        "column_encoding": encodings | {"prediction_id": "DELTA_BYTE_ARRAY"},
    }


def _plain(column: Any) -> Any:
    """A column as the file holds it, however it was read."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _ids(fingerprint: str, row: Any) -> Any:
    """An id for each prediction: outcomes are joined by it."""
    return pa.compute.binary_replace_slice(row.cast(pa.string()), 0, 0, f"{fingerprint}-")


def _csv(faults: dict[int, str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "reason"])
    writer.writerows(sorted(faults.items()))
    return text.getvalue().encode()
