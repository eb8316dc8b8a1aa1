"""How the Training Bench reads: HTML and sentences from an answer. Pure; every word is escaped."""

from html import escape

from interp.languages import message, say
from interp.result import Result
from interp.screens.picture import Picture
from interp.screens.training import Progress, RunsBench, TrainingAnswer
from interp.widgets.training_curves import curves_svg

MOST_ROWS = 24  # of the text twin, evenly chosen
SAID = {
    "nothing": message("Nothing is trained yet."),
    "training": message("Training."),
    "paused": message("Paused at step {step:,} of {steps:,}."),
    "stopped": message("Stopped at step {step:,} of {steps:,}."),
    "finished": message("Finished: all {steps:,} steps are done."),
}


def picture_html(bench: RunsBench, answer: TrainingAnswer) -> str:
    """The headline, the numbers at the place, the curves, and all of it as text."""
    curves = curves_svg(
        answer.curves, answer.at, answer.end, along=say(bench.along), alt=_described(bench, answer),
        doublings=bench.doublings, guide=_guide(bench),
    )  # fmt: skip
    measure = _measure(answer.curves)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in answer.notes)
    return (
        f'<p class="finding">{escape(_title(bench, answer))}</p>'
        f'<dl class="numbers">{_numbers(answer)}</dl>'
        f"<h4>{escape(_capital(measure))}</h4>{curves}{_loss_html(bench, answer)}{notes}"
        f"<details><summary>{say('The same as text')}</summary>{_twin(bench, answer)}</details>"
    )


def samples_html(answer: TrainingAnswer) -> str:
    """What the model wrote or answered at this place; empty if nothing is kept of it."""
    if not answer.samples:
        return ""
    rows = "".join(f"<li>{escape(sample.strip())}</li>" for sample in answer.samples)
    return f"<h4>{say('In its own words')}</h4><ol class='samples'>{rows}</ol>"


def table_html(answer: TrainingAnswer) -> str:
    """Every run at its end, story by story, the run on show in a frame; empty without a table."""
    if answer.table is None:
        return ""
    rows, runs = answer.table.axes.values()
    heads = "".join(f'<th scope="col"{_mine(run, answer)}>{escape(say(str(run)))}</th>' for run in runs)
    body = "".join(
        f'<tr><th scope="row">{escape(say(str(row)))}</th>'
        + "".join(
            f'<td style="--tint:{100 * value:.0f}%"{_mine(run, answer)}>{value:.2f}</td>'
            for run, value in zip(runs, values, strict=True)
        )
        + "</tr>"
        for row, values in zip(rows, answer.table.values.tolist(), strict=True)
    )
    guessing = say("{what}; guessing: 0.5", what=say(answer.table.quantity))
    return (
        f"<h4>{say('All runs at their end')} <small>{escape(guessing)}</small></h4>"
        f'<div class="scroll"><table class="twins"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def status(bench: RunsBench, answer: TrainingAnswer) -> str:
    """The numbers at the place, for screen readers."""
    place = answer.curves.axes["place"][answer.at]
    return say(
        "{run}, {along} {place:,}: {numbers}.",
        run=answer.label,
        along=say(bench.along),
        place=place,
        numbers=_listed(answer),
    )


def progress_text(progress: Progress) -> str:
    """How far the training is, in a sentence or two."""
    said = say(SAID[progress.status], step=progress.step, steps=progress.steps)
    return f"{said} {progress.told}".strip()


def picture(bench: RunsBench, answer: TrainingAnswer) -> Picture:
    """The curves up to the last look; the place that is shown in the title."""
    curves = answer.curves
    axes = {
        say("curve"): tuple(say(str(name)) for name in curves.axes["curve"]),
        say(bench.along): curves.axes["place"],
    }
    result = Result(curves.values, axes, say(curves.quantity), say(curves.unit), {"model": bench.name})
    guide = _guide(bench)
    guides = dict([guide]) if guide else {}
    paper = (say("The places stand at equal distances, not on log paper."),) if bench.doublings else ()
    return Picture(
        "lines",
        _title(bench, answer),
        result,
        (*paper, *answer.notes),
        {"along": say(bench.along), "guides": guides},
    )


def static_html(bench: RunsBench, answer: TrainingAnswer, style: str) -> str:
    """The bench without its controls: what GitHub, PDF and a notebook without a kernel show."""
    heading = say("A training, look by look")
    return (
        f'<style>{style}</style><div class="interp-widget interp-training"><h3>{heading}</h3>'
        f'<div class="look"><div class="picture">{picture_html(bench, answer)}</div>'
        f'<div class="written">{samples_html(answer)}</div></div>{table_html(answer)}</div>'
    )


def _title(bench: RunsBench, answer: TrainingAnswer) -> str:
    return say(
        "{run}: {along} {place:,} of {end:,}",
        run=answer.label,
        along=say(bench.along),
        place=answer.curves.axes["place"][answer.at],
        end=answer.end,
    )


def _measure(curves: Result) -> str:
    unit = "" if curves.unit == "share" else f" ({say(curves.unit)})"
    return f"{say(curves.quantity)}{unit}"


def _guide(bench: RunsBench) -> tuple[str, float] | None:
    return (say(bench.guide[0]), bench.guide[1]) if bench.guide else None


def _numbers(answer: TrainingAnswer) -> str:
    return "".join(
        f"<div><dt>{escape(name)}</dt><dd>{value:.2f}</dd></div>" for name, value in _values(answer)
    )


def _values(answer: TrainingAnswer) -> list[tuple[str, float]]:
    """Every number at the place, with its name."""
    found = [
        (say(str(name)), float(row[answer.at]))
        for name, row in zip(answer.curves.axes["curve"], answer.curves.values, strict=True)
    ]
    if answer.loss is not None:
        found.append((say("loss, {unit}", unit=say(answer.loss.unit)), float(answer.loss.values[answer.at])))
    return found


def _listed(answer: TrainingAnswer) -> str:
    return say(", ").join(f"{name} {value:.2f}" for name, value in _values(answer))


def _loss_html(bench: RunsBench, answer: TrainingAnswer) -> str:
    if answer.loss is None:
        return ""
    axes = {"curve": (say("held-out text"),), **answer.loss.axes}
    loss = Result(answer.loss.values[None], axes, answer.loss.quantity, answer.loss.unit, answer.loss.about)
    top = max(1.0, -(-float(answer.loss.values.max()) // 1))
    picture = curves_svg(
        loss, answer.at, answer.end, along=say(bench.along),
        alt=say("The loss; the table below lists it."), high=150.0, top=top,
    )  # fmt: skip
    return (
        f"<h4>{escape(_capital(say(answer.loss.quantity)))} ({escape(say(answer.loss.unit))})</h4>{picture}"
    )


def _described(bench: RunsBench, answer: TrainingAnswer) -> str:
    place = answer.curves.axes["place"][answer.at]
    return say(
        "{number} curves along {along}; at {place:,}: {numbers}.",
        number=len(answer.curves.axes["curve"]),
        along=say(bench.along),
        place=place,
        numbers=_listed(answer),
    )


def _twin(bench: RunsBench, answer: TrainingAnswer) -> str:
    """Every curve at no more places than can be read."""
    places = answer.curves.axes["place"]
    chosen = sorted({round(i * (len(places) - 1) / (MOST_ROWS - 1)) for i in range(MOST_ROWS)} | {answer.at})
    names = [say(str(one)) for one in answer.curves.axes["curve"]]
    names += [say("loss")] if answer.loss is not None else []
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
        f"<th scope='col'>{escape(say(bench.along))}</th>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _mine(run: object, answer: TrainingAnswer) -> str:
    return ' class="mine"' if say(str(run)) == answer.label else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
