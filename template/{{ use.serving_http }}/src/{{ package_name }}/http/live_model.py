"""The model that answers now: loaded whole and tried out before it takes over."""

import logging
from typing import Any

import msgspec
import numpy as np

from .. import examples
from ..contract import Column, Contract
from ..errors import BundleError, ProjectError
from ..lookup import Lookup
from ..online_store import OnlineStore
from ..predictor import Predictor
from ..registry import Registry
from ..request import Decoder
from .openapi import document

log = logging.getLogger(__name__)


class Live:
    """A version with all that is derived from it once, not for every request."""

    def __init__(
        self,
        version: int,
        predictor: Predictor,
        *,
        has_key: bool = False,
        store: OnlineStore | None = None,
    ) -> None:
        self.version, self.predictor = version, predictor
        manifest, contract = predictor.bundle.manifest, predictor.contract
        self.run_id, self.key = manifest.run_id, (version, predictor.bundle.digest)
        self.lookup: Lookup | None = None
        if contract.tables and store:
            store.refresh()
            sent, order = predictor.decode.columns, predictor.encode.order
            self.lookup = Lookup(contract, [*sent], order, store)
        self.logged = [
            (index, name)
            for index, name in enumerate(predictor.encode.order)
            if name not in contract.personal
        ]
        self.about = msgspec.json.encode(
            {
                "version": version,
                "run_id": manifest.run_id,
                "created": manifest.created,
                "family": manifest.family,
                "task": contract.dataset.task,
                "target": contract.dataset.target,
                "classes": contract.classes,
                "features": list(contract.features),
                "metrics": manifest.metrics,
                "contract_fingerprint": manifest.contract_fingerprint,
            }
        )
        self.decode_outcomes = outcome_decoder(contract, predictor.decode.most_rows)
        self.openapi = msgspec.json.encode(
            document(
                version,
                predictor,
                self.decode_outcomes,
                has_key=has_key,
                keys=store.examples if self.lookup and store else None,
            )
        )


class LiveModel:
    """Follows the registry's champion; a version that cannot be loaded never takes over."""

    def __init__(
        self,
        registry: Registry,
        *,
        most_rows: int = 1000,
        has_key: bool = False,
        store: OnlineStore | None = None,
    ) -> None:
        self.registry, self.most_rows, self.has_key = registry, most_rows, has_key
        self.store = store
        self.now: Live | None = None
        self.trouble: str | None = "the model is not loaded yet"
        """Why the champion does not answer; an earlier version may."""
        self.store_trouble = ""
        """Why features cannot be looked up, if the model needs any."""

    def refresh(self) -> bool:
        """Follow the registry and the feature store; says whether another version answers."""
        is_new = self._follow()
        if self.store and self.now and self.now.lookup:
            trouble = self.store.refresh()
            if trouble and trouble != self.store_trouble:
                log.error("%s", trouble)
            self.store_trouble = trouble
        return is_new

    def close(self) -> None:
        """End what runs beside the server."""
        if self.store:
            self.store.close()

    def _follow(self) -> bool:
        """Load the champion if it is another than the one that answers; says whether it was."""
        try:
            state = self.registry.state()
            known = state.versions.get(state.champion or 0)
            if self.now and known and (state.champion, known.digest) == self.now.key:
                self.trouble = None
                return False
            version, bundle = self.registry.load()
            predictor = Predictor(bundle, most_rows=self.most_rows)
            try_out(predictor)
            self.now = Live(version, predictor, has_key=self.has_key, store=self.store)
        except ProjectError as error:
            self._complain(str(error))
            return False
        except Exception as error:  # a store can raise anything; it must not end the server
            self._complain(f"the store cannot be read: {type(error).__name__}")
            return False
        self.trouble = None
        log.info("version %d (run %s) answers from now on", self.now.version, self.now.run_id)
        return True

    def _complain(self, trouble: str) -> None:
        if trouble != self.trouble:
            still = f"; version {self.now.version} goes on answering" if self.now else ""
            log.error("%s%s", trouble, still)
        self.trouble = trouble


def try_out(predictor: Predictor) -> None:
    """Score a few made-up rows, as one batch and one by one.

    Raises BundleError when the model raises or gives something that is no number.
    """
    rows: list[dict[str, Any]] = examples.rows(predictor.contract, 3)
    whole = Decoder({n: predictor.contract.features[n] for n in predictor.encode.order})
    try:
        decoded = whole(msgspec.json.encode({"rows": rows}))
        together = predictor.score(decoded)
        alone = [predictor.score([row]) for row in decoded]
    except Exception as error:
        raise BundleError(f"the model fails on rows its contract allows: {error}") from None
    if not np.isfinite(together).all() or len(together) != 3 or not all(map(np.size, alone)):
        raise BundleError("the model gives no finite number for rows its contract allows")


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
