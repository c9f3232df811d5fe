"""For whom the model is worse: slices of the test rows, and groups of the sensitive columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.contract.schema import Column, Contract, to_text
from engine.registry.runs import Gap, Group
from engine.training.gates import intervals, measures
from engine.training.gates.intervals import Sample
from engine.training.gates.measures import Measure

REST = "all other rows"
MOST_NAMED = 5  # groups too small to judge; of more than these only the number is kept


@dataclass(frozen=True)
class Compared:
    """The gaps that can be judged, and the groups; one that is too small has no value."""

    gaps: list[Gap]
    groups: list[Group]


def slices(
    contract: Contract, frame: pd.DataFrame, target: NDArray[Any], scores: NDArray[Any]
) -> Compared:
    """How much worse the model is in each slice than in all other rows.

    A slice is a value of a column, or a third of its numbers.
    """
    measure = measures.quality(contract, target, scores)
    errors = np.zeros(len(target)) if contract.classes else np.abs(scores[:, 0] - target)
    labels, parts, maes = list[tuple[str, str]](), list[Sample](), list[NDArray[np.floating]]()
    for name, column in contract.columns.items():
        if column.role not in ("feature", "audit") or column.personal or column.type == "datetime":
            continue
        codes, names = grouped(frame[name], column)
        labels += [(name, group) for group in names]
        parts.append(intervals.sample(codes, measure.values, len(names)))
        maes.append(intervals.sample(codes, errors, len(names)).mean)
    if not labels:
        return Compared([], [])
    found = Sample(*(np.concatenate(of) for of in zip(*parts, strict=True)))
    rest, mae = intervals.others(found, measure.values), np.concatenate(maes)
    enough = np.minimum(found.rows, rest.rows) >= contract.gates.slice_rows
    judged = [int(i) for i in np.flatnonzero(enough)]
    gaps = _gaps(
        measure,
        [_group(*labels[i], measure, found, i, None if contract.classes else mae) for i in judged],
        [_group(labels[i][0], REST, measure, rest, i) for i in judged],
        (found.at(judged), rest.at(judged)),
        len(judged),
    )
    few = np.flatnonzero(found.rows < contract.gates.slice_rows)
    small = [(" = ".join(labels[i]), int(found.rows[i])) for i in few]
    return Compared(gaps, _too_small("", measure, small))


def fairness(
    contract: Contract, frame: pd.DataFrame, target: NDArray[Any], scores: NDArray[Any]
) -> dict[str, Compared]:
    """Every two groups of each sensitive column, by its name."""
    rates, least = measures.rates(contract, target, scores), contract.gates.slice_rows
    return {
        name: between(name, *grouped(frame[name], contract.columns[name]), rates, least)
        for name in contract.sensitive
    }


def between(
    column: str, codes: NDArray[np.intp], names: list[str], rates: list[Measure], least: int
) -> Compared:
    """Every two groups, by each measure that is taken over at least `least` rows of both.

    `codes` [rows] gives the group of each row, -1 for none.
    """
    found = [intervals.sample(np.where(m.over, codes, -1), m.values, len(names)) for m in rates]
    able = [np.flatnonzero(of.rows >= least) for of in found]
    comparisons = sum(len(some) * (len(some) - 1) // 2 for some in able)
    result = Compared([], [])
    for measure, of, some in zip(rates, found, able, strict=True):
        groups = {int(i): _group(column, names[i], measure, of, int(i)) for i in some}
        first, second = (some[pair] for pair in np.triu_indices(len(some), 1))
        swap = (of.mean[first] < of.mean[second]) != measure.less_is_worse
        worse = [int(i) for i in np.where(swap, second, first)]
        better = [int(i) for i in np.where(swap, first, second)]
        result.gaps.extend(
            _gaps(
                measure,
                [groups[i] for i in worse],
                [groups[i] for i in better],
                (of.at(worse), of.at(better)),
                comparisons,
            )
        )
        small = [(name, int(of.rows[i])) for i, name in enumerate(names) if i not in groups]
        result.groups.extend([*groups.values(), *_too_small(column, measure, small)])
    return result


def grouped(values: pd.Series, column: Column) -> tuple[NDArray[np.intp], list[str]]:
    """The group of each row, -1 where the value is missing, and the groups' names.

    Groups are values, or thirds of a column with more than ten numbers. Those of a personal column
    have numbers for names.
    """
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > 10:
        codes, names = _thirds(values.to_numpy(dtype=float, na_value=np.nan))
    else:
        codes, found = pd.factorize(values)
        is_flag = column.type == "boolean"
        names = [to_text(bool(name) if is_flag else name) for name in found]
    if column.personal:
        names = [f"group {number}" for number in range(1, len(names) + 1)]
    return codes, names


def _thirds(values: NDArray[np.floating]) -> tuple[NDArray[np.intp], list[str]]:
    """Numbers below, between and above two quantiles; two groups where one value fills a third."""
    known = values[np.isfinite(values)]
    edges = np.unique(np.quantile(known, (1 / 3, 2 / 3), method="inverted_cdf"))
    edges = edges[edges < known.max()]
    if not len(edges):
        edges = known[known < known.max()].max(keepdims=True)
    codes = np.where(np.isfinite(values), np.searchsorted(edges, values), -1)
    parts = [values[codes == group] for group in range(len(edges) + 1)]
    return codes, [f"{part.min():.4g} to {part.max():.4g}" for part in parts]


def _gaps(
    measure: Measure,
    worse: list[Group],
    better: list[Group],
    samples: tuple[Sample, Sample],
    comparisons: int,
) -> list[Gap]:
    """`samples` are those of the worse and of the better groups, in the same order."""
    more, less = samples[::-1] if measure.less_is_worse else samples
    low, high = intervals.bounds(more, less, comparisons, share=measure.is_share)
    return [
        Gap(one, other, float(more.mean[i] - less.mean[i]), float(low[i]), float(high[i]))
        for i, (one, other) in enumerate(zip(worse, better, strict=True))
    ]


def _group(
    column: str,
    name: str,
    measure: Measure,
    of: Sample,
    index: int,
    mae: NDArray[np.floating] | None = None,
) -> Group:
    size = None if mae is None else float(mae[index])
    return Group(column, name, measure.name, int(of.rows[index]), float(of.mean[index]), size)


def _too_small(column: str, measure: Measure, small: list[tuple[str, int]]) -> list[Group]:
    if len(small) > MOST_NAMED:
        small = [(f"{len(small)} groups, the largest", max(rows for _, rows in small))]
    return [Group(column, name, measure.name, rows, None) for name, rows in small]
