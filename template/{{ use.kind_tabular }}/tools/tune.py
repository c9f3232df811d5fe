"""The verb `tune`: search hyperparameters on the validation rows, write the best to params.toml.

    python3 run.py tune --trials 50        50 in all; called again, it goes on where it stopped
    python3 run.py tune --minutes 20       or as many as fit into the time

What is tried stands in `search` of `src/app/model.py`; Optuna proposes (TPE, Bergstra et al. 2011).
Every trial is fitted on the training rows and measured on the validation rows; test rows are never
looked at, so the gates still judge a model that has not seen them.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import optuna
import tomlkit
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

from engine.contract import app
from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.errors import DataError, SettingsError, shown
from engine.core.provenance import hash_of
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.data.checks import check_rows
from engine.data.read import own_rows
from engine.data.split import labelled, split_rows
from engine.features.lookup import complete
from engine.registry.inputs import current_inputs
from engine.training import evaluation, metrics, pipeline

PARAMS = Path("params.toml")
TRIALS = 30  # where neither trials nor minutes are asked for
DIGITS = 4  # of what is tried: a person reads it in params.toml


@dataclass
class Search:
    """A search that goes on where it stopped: the same trials, in one go or in several."""

    study: optuna.Study
    seed: int
    space: Callable[[optuna.Trial], dict[str, Any]]
    score: Callable[[dict[str, Any]], float]
    """The gate's metric on the validation rows, for what the space says."""
    storage: Storage
    name: str
    done: list[FrozenTrial] = field(default_factory=list)

    def load(self) -> int:
        """Take up the trials that are kept; returns how many."""
        if self.storage.exists(self.name):
            for kept in msgspec.json.decode(self.storage.read(self.name)):
                ranges = {n: json_to_distribution(text) for n, text in kept["ranges"].items()}
                trial = optuna.trial.create_trial(
                    params=kept["asked"],
                    distributions=ranges,
                    value=kept["value"],
                    user_attrs={"tried": kept["tried"]},
                )
                self.study.add_trial(trial)
        self.done = self.study.get_trials(states=[TrialState.COMPLETE])
        return len(self.done)

    def step(self) -> FrozenTrial:
        """One more trial, kept as soon as it is measured."""
        number = len(self.done)
        # A sampler of its own for each trial: it proposes the same, however often this was stopped.
        self.study.sampler = optuna.samplers.TPESampler(seed=self.seed + number)
        trial = self.study.ask()
        tried = {name: rounded(value) for name, value in self.space(trial).items()}
        trial.set_user_attr("tried", tried)
        self.done.append(self.study.tell(trial, self.score(tried)))
        self._keep()
        return self.done[-1]

    def _keep(self) -> None:
        kept = [
            {
                "value": trial.value,
                "tried": trial.user_attrs["tried"],
                "asked": trial.params,
                "ranges": {n: distribution_to_json(d) for n, d in trial.distributions.items()},
            }
            for trial in self.done
        ]
        self.storage.write(self.name, msgspec.json.format(msgspec.json.encode(kept), indent=2))


def main(argv: list[str]) -> int:
    """Search hyperparameters on the validation rows, and write the best to params.toml."""
    parser = argparse.ArgumentParser(prog="run.py tune", description=main.__doc__)
    parser.add_argument("--trials", type=int, help=f"how many in all (default: {TRIALS})")
    parser.add_argument("--minutes", type=float, help="go on for at most this long")
    parser.add_argument(
        "--seed", type=int, help="default: the contract's; another one, other trials"
    )
    options = parser.parse_args(argv[1:])
    if min(options.trials or 1, options.minutes or 1) <= 0:
        raise SettingsError("--trials and --minutes must be above 0")
    contract = load_contract()
    seed = contract.split.seed if options.seed is None else options.seed
    search, current = prepare(contract, Storage(load_settings().store), seed)
    old = search.score({})
    if old != old:
        raise DataError(f"{contract.gates.metric} cannot be measured on the validation rows")
    print(f"{PARAMS} as it is: {contract.gates.metric} {old:.5f} on the validation rows")
    if before := search.load():
        print(f"{before} trials of an earlier search are taken up")
    trials = options.trials or (TRIALS if options.minutes is None else sys.maxsize)
    try:
        run(search, trials, time.monotonic() + 60 * (options.minutes or float("inf")))
    except KeyboardInterrupt:
        print(f"\nstopped; {len(search.done)} trials are kept", flush=True)
    finish(search, contract, current, old)
    return 0


def prepare(contract: Contract, storage: Storage, seed: int) -> tuple[Search, dict[str, Any]]:
    """The search over these data, this code and what params.toml says beside the space."""
    storage.check()
    task, model, inputs = contract.dataset.task, app.model(), current_inputs(contract, seed=seed)
    is_better_high = metrics.higher_is_better(contract)
    frame = complete(own_rows(contract), contract)
    check_rows(frame, contract)
    split = split_rows(labelled(frame, contract), contract)
    training, validation = evaluation.parts(contract, split.train, split.validation)
    training = pipeline.taught(contract, training, inputs.params, seed)
    rows = len(training.target)

    def space(trial: optuna.Trial) -> dict[str, Any]:
        return model.search(trial, task, rows)

    def score(tried: dict[str, Any]) -> float:
        fitted = pipeline.fit(contract, training, validation, {**inputs.params, **tried}, seed)
        scores = pipeline.scores(fitted, validation.inputs)
        found = metrics.metrics(contract, validation.target, scores)
        return found[contract.gates.metric]

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    asked = space(optuna.create_study().ask())  # only to learn what the space speaks of
    fixed = {name: value for name, value in inputs.params.items() if name not in asked}
    made_from = msgspec.structs.replace(inputs, params=fixed)
    name = f"tuning/{hash_of(msgspec.json.encode(made_from, order='sorted'))[:16]}.json"
    study = optuna.create_study(direction="maximize" if is_better_high else "minimize")
    return Search(study, seed, space, score, storage, name), inputs.params


def run(search: Search, trials: int, until: float) -> None:
    """Go on until so many trials are done, or the time is up; say how each one did."""
    if len(search.done) >= trials:
        print(f"{len(search.done)} trials are done already; more with a larger --trials")
    while len(search.done) < trials and time.monotonic() < until:
        start = time.monotonic()
        trial, best = search.step(), search.study.best_trial
        of = "" if trials == sys.maxsize else f"/{trials}"
        said = ", ".join(f"{n} = {v}" for n, v in trial.user_attrs["tried"].items())
        print(
            f"trial {len(search.done)}{of}: {trial.value:.5f} (best {best.value:.5f}), "
            f"{time.monotonic() - start:.1f} s: {said}",
            flush=True,
        )


def finish(search: Search, contract: Contract, current: dict[str, Any], old: float) -> None:
    """Write the best trial to params.toml, if it is better than what stands there."""
    metric, task = contract.gates.metric, contract.dataset.task
    sign = 1 if metrics.higher_is_better(contract) else -1
    done = [trial for trial in search.done if trial.value is not None]
    best = max(done, key=lambda trial: sign * (trial.value or 0.0), default=None)
    if best is None or best.value is None or sign * (best.value - old) <= 0:
        print(f"{PARAMS} stays as it is: none of {len(done)} trials is better than {old:.5f}")
        return
    tried = best.user_attrs["tried"]
    PARAMS.write_text(changed(PARAMS.read_text(encoding="utf-8"), task, tried), encoding="utf-8")
    print(f"{PARAMS}, [{task}]: {metric} {old:.5f} -> {best.value:.5f} on the validation rows")
    for name, value in tried.items():
        print(f"  {name} = {value}  (was {current.get(name, 'left to the size of the table')})")
    print("the gates judge it on the test rows: python3 run.py train")


def changed(text: str, task: str, tried: dict[str, Any]) -> str:
    """params.toml with these values in the section of the task; all else, comments too, stays."""
    document = tomlkit.parse(text)
    section = document.setdefault(task, tomlkit.table())
    for name, value in tried.items():
        section[name] = value
    return tomlkit.dumps(document)


def rounded(value: Any) -> Any:
    """A float with few digits; what is tried is then exactly what is written."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(shown("tune", lambda: main(["tune", *sys.argv[1:]])))
