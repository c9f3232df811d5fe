"""Versions of a model over a table, as a server needs them."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from engine.contract import example_rows
from engine.contract.schema import Column, Contract
from engine.core.errors import BundleError
from engine.core.settings import Settings
from engine.features import lookup
from engine.registry import form
from engine.registry.bundle import Bundle
from engine.registry.explanation import Explainer
from engine.registry.predictor import Predictor, Scores
from engine.serving.http.pages.reports import Report
from engine.serving.protocol import Completed, Described, Json, Operation, Paths
from engine.serving.rows import counts, schema
from engine.serving.rows.request import Decoder

__all__ = ["PATHS", "REPORTS", "Counts", "Model", "Models"]

Counts = counts.Counts
PATHS = Paths(
    Operation(
        path="/v1/predict",
        name="predict",
        summary="Answer one or many",
        request="PredictRequest",
        response="PredictResponse",
        done="An answer to each",
    ),
    Operation(
        path="/v1/outcomes",
        name="reportOutcomes",
        summary="Report what became of predictions",
        request="OutcomesRequest",
        response="OutcomesResponse",
        done="Noted",
    ),
)
REPORTS = (
    Report("/card", "Model card", "MODEL_CARD.md", "python3 run.py up"),
    Report("/reports/data", "Data report", "reports/data.html", "python3 run.py data report"),
    Report(
        "/reports/monitor", "Monitoring report", "reports/monitor.html", "python3 run.py monitor"
    ),
)


class Model:
    """A version with all that is derived from it once, not for every request."""

    def __init__(
        self,
        version: int,
        bundle: Bundle,
        *,
        most_rows: int = 1000,
        store: Any | None = None,
        project: str = "model",
    ) -> None:
        self.version, self.predictor = version, Predictor(bundle)
        self.manifest, self.contract = bundle.manifest, bundle.contract
        self.run_id, self.digest = bundle.manifest.run_id, bundle.digest
        self.p99_ms = bundle.contract.gates.p99_ms
        self.decode = request_decoder(self.predictor, most_rows)
        self._outcomes = outcome_decoder(self.contract, most_rows)
        self._bundle, self._project = bundle, project
        self._explainer = Explainer(bundle)
        self.probes = 1 + len(self._explainer.names)
        self._lookup: Any = None
        self._examples: dict[str, str] = {}
        if self.contract.tables and store:
            found = lookup.part("engine.serving.rows.lookup").Lookup
            order = self.predictor.encode.order
            self._lookup = found(self.contract, [*self.decode.columns], order, store)
            self._examples = store.examples
        self.looks_up = self._lookup is not None
        self._logged = [
            (index, name)
            for index, name in enumerate(self.predictor.encode.order)
            if name not in self.contract.personal
        ]

    @property
    def about(self) -> Json:
        """What there is to know of it."""
        return {
            "version": self.version,
            "run_id": self.run_id,
            "created": self.manifest.created,
            "family": self.manifest.family,
            "task": self.contract.dataset.task,
            "target": self.contract.dataset.target,
            "classes": self.contract.classes,
            "threshold": self.contract.threshold,
            "features": list(self.contract.features),
            "metrics": self.manifest.metrics,
            "contract_fingerprint": self.manifest.contract_fingerprint,
        }

    @property
    def form(self) -> Json:
        """Everything from which the page builds its form; a failure is answered by the server."""
        asked = self.contract.sent
        found = form.facts(
            self._bundle, self.version, self._project, asked=asked, examples=self._examples
        )
        return {**found, "fallback": None}

    def decode_outcomes(self, body: bytes) -> list[Json]:
        """What became of earlier predictions: id, outcome, and what it was worth."""
        names = self._outcomes.columns
        return [dict(zip(names, row, strict=True)) for row in self._outcomes(body)]

    async def complete(self, items: list[Any]) -> Completed:
        """Rows with the features that stand in tables."""
        found: Completed = await self._lookup(items)
        return found

    def incomplete(self, items: list[Any]) -> Completed:
        """The same rows when the store could not be asked: nothing is known, and marked so."""
        found: Completed = self._lookup.without(items)
        return found

    def score(self, items: Sequence[Any]) -> Scores:
        """Scores [rows, classes], or [rows, 1] values."""
        return self._finite(self.predictor.score(items), items)

    def _finite(self, scores: Scores, items: Sequence[Any]) -> Scores:
        if len(scores) != len(items) or not math.isfinite(scores.sum()):
            raise ArithmeticError("the model gave no finite number for every row")
        return scores

    def explain(self, items: Sequence[Any]) -> tuple[Scores, list[Json]]:
        """Scores, and for each row what its values did to the score, the largest change first."""
        predictor, explainer = self.predictor, self._explainer
        inputs = predictor.encode.rows(items)
        scores = self._finite(predictor.score_inputs(inputs), items)
        decided = predictor.decide(scores) if predictor.classes else None
        places = explainer.explained(decided, len(items))
        changes = explainer.changes(predictor.score_inputs, inputs, scores, places)
        at = {name: place for place, name in enumerate(predictor.encode.order)}
        reasons = []
        for item, place, row in zip(items, places.tolist(), changes, strict=True):
            moved = [
                {
                    "feature": name,
                    "value": item[at[name]],
                    "typical": explainer.typical[name],
                    "change": change,
                }
                for name, change in zip(explainer.names, row.tolist(), strict=True)
                if change == change  # NaN: the value is the typical one
            ]
            moved.sort(key=lambda entry: -abs(entry["change"]))
            of = {"of": self.contract.classes[place]} if self.contract.classes else {}
            reasons.append({**of, "changes": moved})
        return scores, reasons

    def answers(self, scores: Scores) -> list[Json]:
        """A label with its probabilities, or a value."""
        return self.predictor.answers(scores)

    def fallback(self, count: int) -> Scores | None:
        """The baseline's answer, where the contract declares one."""
        if self.contract.fallback.answer == "refuse":
            return None
        return self.predictor.fallback(count)

    def content(self, predictions: list[Json]) -> Json:
        """The predictions beside the version that made them."""
        return {
            "model_version": self.version,
            "run_id": self.run_id,
            "predictions": predictions,
        }

    def loggable(self, item: Any) -> Json:
        """The values of a row by their columns, without personal ones."""
        return {name: item[index] for index, name in self._logged}

    def loggable_answer(self, answer: Json) -> Json:
        """All of it."""
        return answer

    def described(self) -> Described:
        """Its interface, from the contract."""
        contract = self.contract
        label = contract.classes[-1] if contract.classes else 1.5
        return Described(
            title=f"{self._project}: prediction of {contract.dataset.target}",
            description=contract.dataset.description,
            schemas={
                "PredictRequest": schema.body_schema(self.decode, contract),
                "PredictResponse": schema.response_schema(contract),
                "OutcomesRequest": schema.body_schema(self._outcomes, contract),
            },
            request={"rows": example_rows.requests(contract, keys=self._examples)},
            outcomes={"outcomes": [{"id": "0" * 32, "outcome": label}]},
        )

    def try_out(self) -> None:
        """Score a few made-up rows, as one batch and one by one.

        Raises BundleError when the model raises or gives something that is no number.
        """
        rows: list[Json] = example_rows.rows(self.contract, 3)
        whole = Decoder({n: self.contract.features[n] for n in self.predictor.encode.order})
        try:
            decoded = whole(msgspec.json.encode({"rows": rows}))
            together = self.predictor.score(decoded)
            alone = [self.predictor.score([row]) for row in decoded]
        except Exception as error:
            raise BundleError(f"the model fails on rows its contract allows: {error}") from None
        if not np.isfinite(together).all() or len(together) != 3 or not all(map(np.size, alone)):
            raise BundleError("the model gives no finite number for rows its contract allows")


class Models:
    """Opens versions; the store in which features are looked up stays open between them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Any | None = None

    def open(self, version: int, bundle: Bundle) -> Model:
        """Make a version ready, after a trial."""
        if bundle.contract.tables:
            self._store = self._store or lookup.online_store(self._settings)
            self._store.refresh()
        most = self._settings.request_rows
        name = self._settings.name
        opened = Model(version, bundle, most_rows=most, store=self._store, project=name)
        opened.try_out()
        return opened

    def refresh(self) -> str:
        """See newer values of the feature tables; what is wrong, or nothing."""
        return self._store.refresh() if self._store else ""

    def close(self) -> None:
        """End what runs beside the server."""
        if self._store:
            self._store.close()


def request_decoder(predictor: Predictor, most_rows: int = 1000) -> Decoder:
    """Checks requests: rows in the order that the model takes, then the keys of tables."""
    sent = predictor.contract.sent
    first = [name for name in predictor.encode.order if name in sent]
    return Decoder({name: sent[name] for name in (*first, *sent)}, most_rows)


def outcome_decoder(contract: Contract, most_rows: int) -> Decoder:
    """Checks reports of what became of predictions: `{"outcomes": [{id, outcome, value?}]}`."""
    outcome = Column(type="number")
    if contract.classes:
        outcome = Column(type="category", values=contract.classes)
    columns = {
        "id": Column(type="text"),
        "outcome": outcome,
        "value": Column(type="number", nullable=True),
    }
    return Decoder(columns, most_rows, plural="outcomes", optional=frozenset({"value"}))
