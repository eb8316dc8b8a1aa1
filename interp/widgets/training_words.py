"""How the Training Bench reads: HTML and sentences from an answer. Pure; every word is escaped."""

from html import escape

from interp.result import Result
from interp.screens.picture import Picture
from interp.screens.training import Progress, RunsBench, TrainingAnswer
from interp.widgets.training_curves import curves_svg

MOST_ROWS = 24  # of the text twin, evenly chosen
SAID = {
    "nothing": "Nothing is trained yet.",
    "training": "Training.",
    "paused": "Paused at step {step:,} of {steps:,}.",
    "stopped": "Stopped at step {step:,} of {steps:,}.",
    "finished": "Finished: all {steps:,} steps are done.",
}


def picture_html(bench: RunsBench, answer: TrainingAnswer) -> str:
    """The headline, the numbers at the place, the curves, and all of it as text."""
    places = answer.curves.axes["place"]
    curves = curves_svg(
        answer.curves, answer.at, answer.end, along=bench.along, alt=_described(bench, answer),
        doublings=bench.doublings, guide=bench.guide,
    )  # fmt: skip
    measure = answer.curves.quantity + (f" ({answer.curves.unit})" if answer.curves.unit != "share" else "")
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in answer.notes)
    return (
        f'<p class="finding">{escape(answer.label)}: {escape(bench.along)} {places[answer.at]:,} of'
        f" {answer.end:,}</p>"
        f'<dl class="numbers">{_numbers(answer)}</dl>'
        f"<h4>{escape(_capital(measure))}</h4>{curves}{_loss_html(bench, answer)}{notes}"
        f"<details><summary>The same as text</summary>{_twin(bench, answer)}</details>"
    )


def samples_html(answer: TrainingAnswer) -> str:
    """What the model wrote or answered at this place; empty if nothing is kept of it."""
    if not answer.samples:
        return ""
    rows = "".join(f"<li>{escape(sample.strip())}</li>" for sample in answer.samples)
    return f"<h4>In its own words</h4><ol class='samples'>{rows}</ol>"


def table_html(answer: TrainingAnswer) -> str:
    """Every run at its end, story by story, the run on show in a frame; empty without a table."""
    if answer.table is None:
        return ""
    rows, runs = answer.table.axes.values()
    heads = "".join(f'<th scope="col"{_mine(run, answer)}>{escape(str(run))}</th>' for run in runs)
    body = "".join(
        f'<tr><th scope="row">{escape(str(row))}</th>'
        + "".join(
            f'<td style="--tint:{100 * value:.0f}%"{_mine(run, answer)}>{value:.2f}</td>'
            for run, value in zip(runs, values, strict=True)
        )
        + "</tr>"
        for row, values in zip(rows, answer.table.values.tolist(), strict=True)
    )
    return (
        f"<h4>All runs at their end <small>{escape(answer.table.quantity)}; guessing: 0.5</small></h4>"
        f'<div class="scroll"><table class="twins"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def status(bench: RunsBench, answer: TrainingAnswer) -> str:
    """The numbers at the place, for screen readers."""
    place = answer.curves.axes["place"][answer.at]
    return f"{answer.label}, {bench.along} {place:,}: {_listed(answer)}."


def progress_text(progress: Progress) -> str:
    """How far the training is, in a sentence or two."""
    said = SAID[progress.status].format(step=progress.step, steps=progress.steps)
    return f"{said} {progress.told}".strip()


def picture(bench: RunsBench, answer: TrainingAnswer) -> Picture:
    """The curves up to the last look; the place that is shown in the title."""
    curves = answer.curves
    axes = {"curve": curves.axes["curve"], bench.along: curves.axes["place"]}
    result = Result(curves.values, axes, curves.quantity, curves.unit, {"model": bench.name})
    guides = dict([bench.guide]) if bench.guide else {}
    paper = ("The places stand at equal distances, not on log paper.",) if bench.doublings else ()
    title = f"{answer.label}: {bench.along} {curves.axes['place'][answer.at]:,} of {answer.end:,}"
    return Picture(
        "lines",
        title,
        result,
        (*paper, *answer.notes),
        {"along": bench.along, "guides": guides},
    )


def static_html(bench: RunsBench, answer: TrainingAnswer, style: str) -> str:
    """The bench without its controls: what GitHub, PDF and a notebook without a kernel show."""
    return (
        f'<style>{style}</style><div class="interp-widget interp-training"><h3>A training, look by look</h3>'
        f'<div class="look"><div class="picture">{picture_html(bench, answer)}</div>'
        f'<div class="written">{samples_html(answer)}</div></div>{table_html(answer)}</div>'
    )


def _numbers(answer: TrainingAnswer) -> str:
    return "".join(
        f"<div><dt>{escape(name)}</dt><dd>{value:.2f}</dd></div>" for name, value in _values(answer)
    )


def _values(answer: TrainingAnswer) -> list[tuple[str, float]]:
    """Every number at the place, with its name."""
    found = [
        (str(name), float(row[answer.at]))
        for name, row in zip(answer.curves.axes["curve"], answer.curves.values, strict=True)
    ]
    if answer.loss is not None:
        found.append((f"loss, {answer.loss.unit}", float(answer.loss.values[answer.at])))
    return found


def _listed(answer: TrainingAnswer) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in _values(answer))


def _loss_html(bench: RunsBench, answer: TrainingAnswer) -> str:
    if answer.loss is None:
        return ""
    axes = {"curve": ("held-out text",), **answer.loss.axes}
    loss = Result(answer.loss.values[None], axes, answer.loss.quantity, answer.loss.unit, answer.loss.about)
    top = max(1.0, -(-float(answer.loss.values.max()) // 1))
    picture = curves_svg(
        loss, answer.at, answer.end, along=bench.along, alt="The loss; the table below lists it.", high=150.0,
        top=top,
    )  # fmt: skip
    return f"<h4>{escape(_capital(answer.loss.quantity))} ({escape(answer.loss.unit)})</h4>{picture}"


def _described(bench: RunsBench, answer: TrainingAnswer) -> str:
    place = answer.curves.axes["place"][answer.at]
    return f"{len(answer.curves.axes['curve'])} curves along {bench.along}; at {place:,}: {_listed(answer)}."


def _twin(bench: RunsBench, answer: TrainingAnswer) -> str:
    """Every curve at no more places than can be read."""
    places = answer.curves.axes["place"]
    chosen = sorted({round(i * (len(places) - 1) / (MOST_ROWS - 1)) for i in range(MOST_ROWS)} | {answer.at})
    names = [str(one) for one in answer.curves.axes["curve"]] + (["loss"] if answer.loss is not None else [])
    columns = [
        *answer.curves.values.tolist(),
        *([answer.loss.values.tolist()] if answer.loss is not None else []),
    ]
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{places[i]:,}</th>'
        + "".join(f"<td>{column[i]:.3f}</td>" for column in columns)
        + "</tr>"
        for i in chosen
    )
    return (
        f"<div class='scroll'><table><caption>{escape(answer.label)}</caption><thead><tr>"
        f"<th scope='col'>{escape(bench.along)}</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _mine(run: object, answer: TrainingAnswer) -> str:
    return ' class="mine"' if run == answer.label else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
