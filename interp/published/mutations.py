"""Could `verify` fail? For every published record, plausibly wrong measurements, which it must refuse.

The published numbers stand for the right measurement; each mutation is a mistake that somebody could make:
nothing recorded, one number everywhere, another unit, another layer, the wrong heads, two runs exchanged,
the numbers of another table. A mutation that changes nothing is not one, and is left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from interp.published import Published
from interp.published.agreement import Values

LEAST_CAUGHT = 0.95  # share of the mutations that the records must refuse; fixed before they were counted
SEED = 0
ORDERED = ("layer", "position", "query", "key", "point", "component", "place")  # one step off is a usual slip
IDS, SHARES = "token id", ("share", "probability")
BITS = 1 / np.log(2)


@dataclass(frozen=True)
class Mutation:
    """One wrong measurement of a record, and whether the record refuses it."""

    record: str
    mistake: str
    caught: bool


def mutations(records: Sequence[Published]) -> list[Mutation]:
    """Every mistake of every record, in order; two that come to the same numbers are one."""
    return [
        Mutation(record.id, mistake, not record.agrees(values))
        for record in records
        for mistake, values in mistakes(record, records)
    ]


def mistakes(record: Published, records: Sequence[Published]) -> Iterator[tuple[str, Values]]:
    """The wrong measurements of one record, by name, all different; `records` are the tables to mix it up
    with."""
    known = [record.result.values]
    for mistake, made in _all_mistakes(record, records):
        values = np.asarray(made)  # arithmetic makes plain numbers of single ones
        if not any(np.array_equal(values, other, equal_nan=True) for other in known):
            known.append(values)
            yield mistake, values


def share_caught(found: Sequence[Mutation]) -> float:
    """The share of the mutations that were refused."""
    return sum(one.caught for one in found) / len(found)


def _all_mistakes(record: Published, records: Sequence[Published]) -> Iterator[tuple[str, Values]]:
    values = record.result.values
    yield "zero everywhere", np.zeros_like(values)
    yield "the mean everywhere", np.full_like(values, np.nanmean(values))
    yield from _units(record)
    yield from _along_axes(record)
    yield from _tables(record, records)


def _units(record: Published) -> Iterator[tuple[str, Values]]:
    """The same numbers by another convention; token ids have none."""
    values, unit = record.result.values, record.result.unit
    if unit == IDS:
        return
    yield "divided by two", values / 2
    if values.min() < 0 or unit == "nats":
        yield "sign turned", -values
    if unit == "nats":
        yield "bits for nats", values * BITS
    if unit in SHARES:
        yield "percent for a share", 100 * values
        yield "zero and one exchanged", 1 - values
    if unit == "percent":
        yield "a share for percent", values / 100
    if "1 / rank" in record.result.quantity:
        yield "rank for 1 / rank", 1 / values
        yield "ranks counted from zero", 1 / (1 / values + 1)


def _along_axes(record: Published) -> Iterator[tuple[str, Values]]:
    """Labels that stand at other numbers: one step off, exchanged, shuffled."""
    values, axes = record.result.values, list(record.result.axes)
    for axis, name in enumerate(axes):
        if values.shape[axis] == 1:
            continue
        if name in ORDERED:
            yield f"{name} one off", np.roll(values, 1, axis)
            yield f"{name} backwards", np.flip(values, axis)
        else:
            order = np.random.default_rng(SEED).permutation(values.shape[axis])
            yield f"{name} shuffled", values.take(order, axis)
            yield f"{name} one off", np.roll(values, 1, axis)
            yield f"{name}: first two exchanged", values.take([1, 0, *range(2, len(order))], axis)
    if {"layer", "head"} <= set(axes):
        yield "all heads shuffled", _shuffled(values, axes)
    if {"query", "key"} <= set(axes):
        yield "query for key", np.swapaxes(values, axes.index("query"), axes.index("key"))
    if record.result.unit == IDS and axes == ["layer"]:
        yield "the last layer everywhere", np.full_like(values, values[-1])


def _shuffled(values: Values, axes: Sequence[str]) -> Values:
    """All heads of all layers in another order."""
    heads = np.moveaxis(values, (axes.index("layer"), axes.index("head")), (0, 1))
    order = np.random.default_rng(SEED).permutation(heads.shape[0] * heads.shape[1])
    mixed = heads.reshape(len(order), -1)[order].reshape(heads.shape)
    return np.moveaxis(mixed, (0, 1), (axes.index("layer"), axes.index("head")))


def _tables(record: Published, records: Sequence[Published]) -> Iterator[tuple[str, Values]]:
    """The numbers of another table of the same form and unit."""
    for other in records:
        one, mine = other.result, record.result
        if mine.axes and other.id != record.id and (one.axes, one.unit) == (mine.axes, mine.unit):
            yield f"the numbers of {other.id}", one.values
