"""Command line: `doctor`, `reproduce`, `notebooks`, `verify`, `bench`, `scan`, `tune-lens`, `card`, and
what trains: `train-pocket` and `training_commands`.

Exit codes: 0 all is well, 1 something ran and failed, 2 it cannot run (bad input, no model, Ctrl-C).
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from interp import doctor, execution, files, languages, report, site, training_commands
from interp.figures import export
from interp.languages import prose

if TYPE_CHECKING:  # it imports torch
    from interp.models import Bridge
    from interp.result import Result

ROOT = Path(__file__).resolve().parent.parent
SMALL = 50_000_000  # bytes of weights
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Look inside GPT-2, claim by claim.",
)
out, err = Console(highlight=False), Console(stderr=True, highlight=False)

training_commands.mount(app)

Model = Annotated[
    str | None,
    typer.Option(
        help="gpt2 or another hub id, a folder, or pocket. Default: $INTERP_MODEL, else gpt2, else pocket."
    ),
]
Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda, or one of several GPUs such as cuda:1. Default: cuda, else cpu."),
]


@app.command("doctor")
def examine(
    model: Model = None,
    device: Device = None,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Run the model on every GPU beside the CPU: equal? how fast?")
    ] = False,
) -> None:
    """Look at this machine: packages, model, device, notebook front end; one line and one fix each."""
    if gpu:
        from interp import gpu_check  # imports torch

        try:
            found = gpu_check.examine(model)
        except ValueError as error:
            _cannot(error)
    else:
        found = doctor.examine(model, device)
    out.print(str(found), markup=False, soft_wrap=True)
    raise typer.Exit(0 if found.ready else 2)


@app.command()
def reproduce(
    model: Model = None,
    device: Device = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Number of a notebook, e.g. 04; may be repeated.")
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Where figures/<model>/ goes. Default: figures.")
    ] = None,
) -> None:
    """Run the notebooks; write figures, executed copies, claims and an index under figures/<model>/."""
    try:
        chosen, language = execution.notebooks(ROOT / "notebooks", only or ()), languages.chosen()
        for path in chosen:  # a cell without a translation is said before anything runs
            prose.notebook(path, language)
        place, size = _settled(model)
        folder = _home(place.name, place.weights_sha256, place.sha256, out_dir)
        _pack(place, folder)
    except (ValueError, OSError) as error:
        _cannot(error)
    except KeyboardInterrupt:
        _cannot(InterruptedError("stopped by Ctrl-C before the first notebook; nothing was changed."))
    environment = _environment(place.asked, device, folder.parent, size)
    pages, stopped = _run_all(chosen, folder, environment, language)
    try:
        raise typer.Exit(_conclude(chosen, pages, stopped, folder, place.name))
    except OSError as error:
        _cannot(error)


@app.command("notebooks")
def lay_out_notebooks() -> None:
    """Write the notebooks in the language of $INTERP_LANGUAGE to build/notebooks/, and say where they lie."""
    folder, kept = ROOT / "notebooks", ()
    try:
        language, _ = languages.chosen(), execution.notebooks(folder)  # raises where there are none
        if language != languages.ENGLISH:
            folder = _writable(ROOT / "build" / "notebooks" / language)
            kept = prose.lay_out(ROOT / "notebooks", folder, language)
    except (ValueError, OSError) as error:
        _cannot(error)
    if kept:
        names = ", ".join(one.name for one in kept)
        err.print(f"Kept as you changed them: {names}; move them away to get fresh ones.", soft_wrap=True)
    out.print(str(folder), markup=False, soft_wrap=True)


@app.command()
def verify(
    model: Model = None,
    device: Device = None,
    only: Annotated[str | None, typer.Option(help="One topic, e.g. ioi. Default: all.")] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Where <model>/verify.csv goes. Default: figures.")
    ] = None,
    could_fail: Annotated[
        bool, typer.Option(help="Run no model: list the wrong measurements that would pass.")
    ] = False,
) -> None:
    """Measure again what is published about this model: expected, measured, how much agrees, pass or fail."""
    from interp import models, verification  # imports torch

    told, slips = verification.could_fail()
    if could_fail:
        out.print(told, soft_wrap=True)
        for one in slips:
            out.print(f"{one.record} would pass with: {one.mistake}", markup=False, soft_wrap=True)
        return
    done: list[verification.Comparison] = []
    try:
        loaded = models.load(model, device=device)
        card, listed = models.describe(loaded), verification.listed_model(loaded)
        folder = _home(card.name, card.weights_sha256, card.model_sha256, out_dir)
    except (ValueError, OSError) as error:
        _cannot(error)
    except KeyboardInterrupt:
        _cannot(InterruptedError("stopped by Ctrl-C before anything was measured."))
    try:
        for one in verification.compare(loaded, topic=only):
            done.append(one)
            mark = "pass" if one.passed else "FAIL"
            err.print(f"{mark} {one.published.id}", markup=False, soft_wrap=True)
    except ValueError as error:
        _cannot(error)
    except KeyboardInterrupt:
        err.print(f"Stopped by Ctrl-C after {len(done)} quantities; what was measured is below.")
    out.print(_verdicts(done, f"figures published about {listed}, measured on {card.name}"))
    _written(lambda: verification.save(done, folder / "verify.csv"))
    failed = sum(not one.passed for one in done)
    out.print(f"{len(done) - failed} of {len(done)} agree with what was published.")
    out.print(told, soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


@app.command("bench")
def measure_speed(
    quick: Annotated[bool, typer.Option(help="A tiny model: shows that all runs, not how fast.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="One family, e.g. sweeps; may be repeated.")] = None,
    growth: Annotated[bool, typer.Option(help="Instead, a figure: how costs grow with a model.")] = False,
    out_file: Annotated[Path | None, typer.Option("--out", help="Default: figures/bench.json.")] = None,
) -> None:
    """Time every fast path against TransformerLens' own loop on a random GPT-2 small; minutes."""
    from interp import timing  # imports torch

    if growth:
        _draw_growth(timing.growth(largest=2 if quick else 4), out_file)
        raise typer.Exit(0)
    done: list[timing.Row] = []
    path = (out_file or ROOT / "figures" / "bench.json").resolve()
    try:
        _writable(path.parent)
        for row in timing.run(quick=quick, families=only or timing.FAMILIES):
            done.append(row)
            err.print(f"{row.name}: {row.ratio:.1f} times faster", markup=False, soft_wrap=True)
    except (ValueError, OSError) as error:
        _cannot(error)
    except KeyboardInterrupt:
        err.print(f"Stopped by Ctrl-C after {len(done)} rows; what was measured is below.")
    out.print(_speeds(done))
    for row in done:
        out.print(f"{row.name}: {row.note}", markup=False, soft_wrap=True)
        if not row.trusted:
            told = f"{row.name}: not to be trusted, its samples lie {row.spread:.0%} apart. Run it again when"
            err.print(f"{told} nothing else runs.", markup=False, soft_wrap=True)
    _written(lambda: timing.save(done, path))
    raise typer.Exit(0 if all(row.max_gap <= timing.MOST_GAP for row in done) else 1)


@app.command("train-pocket")
def train_pocket(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for weights, card and checkpoints.")] = Path(
        "checkpoints/pocket"
    ),
    model: Annotated[str, typer.Option(help="Only pocket can be trained here.")] = "pocket",
    device: Device = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint in --out.")] = True,
    world: Annotated[str, typer.Option(help="The text it grows from: pocket's own, or bigger.")] = "pocket",
) -> None:
    """Train the pocket model again from its seed, or grow another from the bigger world."""
    if model != "pocket":
        _cannot(ValueError(f"train-pocket makes the pocket model, not {model!r}; leave --model out."))
    if world not in ("pocket", "bigger"):
        _cannot(ValueError(f"There is no world {world!r} to grow from: choose pocket or bigger."))
    from interp.pocket import grow, train  # imports torch and transformers

    try:
        _writable(out_dir)
        if world == "bigger":
            grow.grow(out_dir, resume=resume)
        else:
            train.train(out_dir, resume=resume, device=device)
    except (ValueError, OSError) as error:
        _cannot(error)
    except KeyboardInterrupt:
        _cannot(
            InterruptedError(f"stopped; the last checkpoint is in {out_dir}, run the same command to go on.")
        )


@app.command("train-taught")
def train_taught(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for weights and state.")] = Path(
        "checkpoints/pocket-taught"
    ),
    start: Annotated[Path | None, typer.Option(help="Folder of the model to teach. Default: pocket.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last state in --out.")] = True,
) -> None:
    """Teach pocket the article's circuit; its twin of the same size, in about 20 minutes on one core."""
    from interp import models  # imports torch
    from interp.pocket_taught import train

    try:
        _writable(out_dir)
        train.train(models.locate(start or "pocket").folder, out_dir, resume=resume)
    except (ValueError, OSError) as error:
        _cannot(error)
    except KeyboardInterrupt:
        _cannot(InterruptedError(f"stopped; the state is in {out_dir}, run the same command to go on."))
    out.print(f"Written: {out_dir}. Next: python -m interp card --model {out_dir}", soft_wrap=True)


@app.command("tune-lens")
def tune_lens(
    model: Model = None,
    device: Device = None,
    text: Annotated[
        Path | None, typer.Option(help="Plain text to tune on. Default: texts of the pocket world.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps. Default: 1000.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of the texts' order and of the words drawn.")] = 0,
    out_file: Annotated[Path, typer.Option("--out", help="Where the lens goes.")] = Path(
        "checkpoints/tuned_lens.safetensors"
    ),
) -> None:
    """Tune a lens for a model from a seed: one affine map per place; minutes for pocket."""
    from interp import models  # imports torch
    from interp.methods import tuned_lens
    from interp.studies.facts import lenses

    try:
        _writable(out_file.parent)
        pages = None if text is None else text.read_text(encoding="utf-8").split("\n\n")
        loaded = models.load(model, device=device)
        made = lenses.make(loaded, pages, steps=steps or lenses.STEPS, seed=seed)
        out.print(f"Written: {tuned_lens.save(made, out_file)}", soft_wrap=True)
    except (ValueError, OSError) as error:
        _cannot(error)
    except KeyboardInterrupt:
        _cannot(InterruptedError("stopped; nothing was written."))


@app.command("card")
def write_card(
    model: Annotated[
        str, typer.Option(help="pocket, pocket-taught, or the folder of another training run.")
    ] = "pocket",
    device: Device = None,
) -> None:
    """Measure an embedded model and write its card; some minutes."""
    from interp import card, exam_card, models  # imports torch

    try:
        loaded = models.load(model, device=device)
        if models.taught(loaded) is not None:
            _write_taught_card(loaded, models.locate(model).folder)
        if exam_card.is_grown(models.locate(model).folder):
            _write_exam_card(loaded, models.locate(model).folder)
        measured = card.measure(loaded)
        page = card.write(measured, loaded, card.FOLDER if model == "pocket" else Path(model))
        for name, figure in measured.figures().items():
            figure.save(name)
    except (ValueError, OSError) as error:
        _cannot(error)
    for check in measured.checks:
        mark = "ok    " if check.passed else "MISSED"
        out.print(f"{mark} {check.measured:7.3f}  {'bos' if check.bos else '   '}  {check.name}")
    out.print(f"Written: {page}", soft_wrap=True)
    raise typer.Exit(0 if all(check.passed for check in measured.checks) else 1)


def _write_taught_card(loaded: "Bridge", folder: Path) -> NoReturn:
    from interp import models, taught_card
    from interp.studies.cards import taught_exam

    measured = taught_exam.measure(loaded, models.load("pocket"))
    page = taught_card.write(measured, loaded, folder)
    for name in measured.missed:
        out.print(f"MISSED {name}", markup=False, soft_wrap=True)
    out.print(f"Written: {page}", soft_wrap=True)
    raise typer.Exit(1 if measured.missed else 0)


def _write_exam_card(loaded: "Bridge", folder: Path) -> NoReturn:
    from interp import exam_card

    measured = exam_card.measure(loaded, folder)
    page = exam_card.write(measured, loaded, folder)
    for name in measured.missed:
        out.print(f"MISSED {name}", markup=False, soft_wrap=True)
    out.print(f"Written: {page}", soft_wrap=True)
    raise typer.Exit(1 if measured.missed else 0)


@app.command("scan")
def scan_neurons(
    corpus: Annotated[
        str,
        typer.Option(help="pocket (its world), a text file, a folder of .txt files, or a dataset's name."),
    ] = "pocket",
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Folder of the table. Default: scans/<model>.")
    ] = None,
    model: Model = None,
    device: Device = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Read so many texts at most.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Contexts kept per neuron.")] = 10,
    windows_per_shard: Annotated[int, typer.Option(min=1, help="What a killed scan loses at most.")] = 1000,
    workers: Annotated[int, typer.Option(min=0, help="Ray workers; 0: this process.")] = 0,
    address: Annotated[str | None, typer.Option(help="A Ray cluster to join, such as auto.")] = None,
) -> None:
    """Top contexts, means and quantiles of every neuron over a corpus; goes on where it was stopped."""
    from interp import models  # imports torch
    from interp.methods import scan

    try:
        loaded = models.load(model, device=device)
        card = models.describe(loaded)
        folder = _writable(out_dir or Path("scans") / export.safe_folder(card.name))
        width = min(scan.WIDTH, card.context)
        text = scan.corpus(loaded.tokenizer, corpus, width=width, limit=limit)
        plan = scan.Plan(k=top, windows_per_shard=windows_per_shard)
        run = scan.on_ray(model, text, workers=workers, address=address) if workers else None
        table = scan.scan(loaded, text, folder, plan=plan, workers=run)
    except (ValueError, OSError) as error:
        _cannot(error)
    except KeyboardInterrupt:
        _cannot(InterruptedError("stopped; what was scanned is safe, run the same command to go on."))
    about = table.about
    out.print(
        f"{about['layers'] * about['neurons']} neurons over {about['tokens']} tokens in {about['windows']}"
        f" windows of {about['corpus']}: {table.folder}",
        soft_wrap=True,
    )


def main() -> None:
    """Run the command line."""
    app()


def _cannot(error: BaseException) -> NoReturn:
    """Say in one sentence what stands in the way, and leave with 2."""
    err.print(files.told(error), markup=False, soft_wrap=True)
    raise typer.Exit(2)


def _written(save: Callable[[], Path]) -> None:
    """Save what was measured and is on the screen, and say where; or why that cannot be."""
    try:
        out.print(f"Written: {save()}", soft_wrap=True)
    except OSError as error:
        _cannot(error)


def _verdicts(comparisons: Sequence, title: str) -> Table:
    """Published beside measured; `title` says about which model, on which model."""
    from interp import verification

    table = Table(*verification.COLUMNS, title=title)
    for one in comparisons:
        table.add_row(*map(escape, one.cells()))
    return table


def _home(name: str, weights_sha256: str, model_sha256: str, out_dir: Path | None) -> Path:
    """The folder for this model's results; says so when another model's lie under the same name."""
    base = out_dir or ROOT / "figures"
    about = {"model": name, "weights_sha256": weights_sha256, "model_sha256": model_sha256}
    plain, folder = base / export.safe_folder(name), export.home(about, base)
    if folder != plain:
        there = str(export.identity_in(plain))[:8]
        err.print(f"{plain} holds results of another model ({there}): these go to {folder}.", soft_wrap=True)
    return _writable(folder)


def _writable(folder: Path) -> Path:
    """The folder, made when missing. Raises OSError in one sentence when nothing can be written there."""
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(
            f"{folder} cannot be written ({error.strerror}); choose another folder with --out."
        ) from error
    return folder


def _environment(source: str, device: str | None, figures: Path, weights: int) -> dict[str, str]:
    """What a notebook's process is told: model, device, where figures go, where the library lies, threads."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    told = {"INTERP_MODEL": source, "INTERP_FIGURES": str(figures.resolve()), "PYTHONPATH": path}
    if device:
        told["INTERP_DEVICE"] = device
    patience = {"GOMP_SPINCOUNT": "1000"}  # on a busy machine, threads that spin for one another cost tenfold
    few = {"OMP_NUM_THREADS": "1"} if weights < SMALL else {}  # threads only wait for one another there
    return {**patience, **few, **os.environ, **told}


def _settled(model: str | None) -> tuple["models.Source", int]:
    """Where the model is, and the bytes of its weights.

    Raises ValueError when it cannot be loaded.
    """
    from interp import models  # imports torch

    place = models.locate(model)
    size = sum(file.stat().st_size for file in place.folder.glob("*.safetensors"))
    return place, size


def _pack(place: "models.Source", folder: Path) -> None:
    """The model for the pages, where it is small enough; else a sentence, and pages with pictures only."""
    try:
        site.write(place.asked, folder)
    except ValueError as error:
        err.print(str(error), markup=False, soft_wrap=True)


def _run_all(
    chosen: Sequence[Path], folder: Path, environment: dict[str, str], language: str
) -> tuple[list[report.Page], str | None]:
    """A page per notebook that ran, and where Ctrl-C stopped the rest, if it did."""
    pages: list[report.Page] = []
    try:
        for path in chosen:
            pages.append(_run(path, folder, environment, language))
    except execution.Interrupted as error:
        return pages, str(error)
    except KeyboardInterrupt:
        return pages, "stopped by Ctrl-C"
    return pages, None


def _conclude(
    chosen: Sequence[Path], pages: Sequence[report.Page], stopped: str | None, folder: Path, name: str
) -> int:
    """Writes the index, says what happened, and gives the exit code."""
    missing = execution.missing_figures(chosen, folder)
    index = _write_index(folder, name, pages, missing)
    out.print(_timings(pages, folder))
    failures = [one.error for one in pages if one.error]
    for failure in failures:
        err.print(failure, markup=False, soft_wrap=True)
    if stopped:
        left = ", ".join(path.stem for path in chosen[len(pages) :])
        figures = f"missing figures: {', '.join(missing)}" if missing else "no figure is missing"
        err.print(
            f"{stopped}; not run to the end: {left}; {figures}; what was finished is whole.", soft_wrap=True
        )
        return 2
    if missing and not failures:
        err.print(f"These figures were promised and not made: {', '.join(missing)}.", soft_wrap=True)
    out.print(f"Open {index}", soft_wrap=True)
    return 1 if failures or missing else 0


def _write_index(folder: Path, name: str, pages: Sequence[report.Page], missing: Sequence[str]) -> Path:
    """The index of everything in the folder, pages and figures of earlier runs too."""
    every = execution.notebooks(ROOT / "notebooks")
    ran = {one.name: one for one in pages}
    listed = [ran.get(path.stem) or report.Page(path.stem, execution.heading(path)) for path in every]
    figures = [figure for path in every for figure in execution.promised_figures(path)]
    shelves = dict.fromkeys(shelf for path in every for shelf in execution.shelves(path, folder))
    beside = [shelf for shelf in shelves if shelf != folder and shelf.is_dir()]
    for other in beside:
        files.write(other / "index.html", report.shelf(other, figures).encode())
    files.write(folder / report.TEACHER, report.teacher(folder, name, listed).encode())
    index = folder / "index.html"
    files.write(index, report.index(folder, name, listed, figures, missing, beside).encode())
    return index


def _run(path: Path, folder: Path, environment: dict[str, str], language: str) -> report.Page:
    """One notebook with a progress bar; a failed cell comes back in the page's error."""
    started = time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(path.stem, total=None)
        try:
            executed = execution.execute(
                path, environment, lambda done, total: progress.update(task, completed=done, total=total)
            )
            error = None
            drawn = report.pictures_of(folder, execution.shelves(path, folder))
            told = prose.told_in(language, executed, path.stem)
            made = report.page(told, report.packs_of(folder), drawn, language)
            files.write(folder / f"{path.stem}.html", made.encode())
            taught = report.lesson(folder, path.stem, executed, folder.name)
            files.write(folder / report.lesson_of(path.stem), taught.encode())
        except (execution.CellFailed, OSError) as failure:
            error = files.told(failure)
    return report.Page(path.stem, execution.heading(path), time.perf_counter() - started, error)


def _speeds(rows: Sequence["timing.Row"]) -> Table:
    headings = ("path", "times faster", "aim", "share of the limit", "held back by", "largest gap")
    table = Table(*headings, title="beside TransformerLens' own loop")
    for row in rows:
        aim = "" if row.aim is None else f"{row.aim:g}"
        ratio = f"{row.ratio:.1f}" if row.trusted else f"{row.ratio:.1f} (not to be trusted)"
        table.add_row(row.name, ratio, aim, *_held_back(row.limit), f"{row.max_gap:.1e} {row.unit}")
    return table


def _draw_growth(found: "Result", out_file: Path | None) -> None:
    """The powers as a figure, in the folder `bench` beside bench.json, and in the terminal."""
    from interp import figures

    base = ROOT / "figures" if out_file is None else out_file.resolve().parent
    title = "How the cost of every path grows: the power of the size"
    caption = (
        "Time: CPU time of small models, as measured. Count: operations of their products at the same sizes."
    )
    chart = figures.heatmap(found, title=title, caption=caption)
    table = Table("path", *map(str, found.axes["growth"]), title="cost goes as the size to the power")
    for path, powers in zip(found.axes["path"], found.values, strict=True):
        table.add_row(str(path), *(f"{power:.2f}" for power in powers))
    out.print(table)

    def saved() -> Path:
        chart.save("growth", base)
        return base / "bench" / "growth.png"

    _written(saved)


def _held_back(limit: "timing.Limit | None") -> tuple[str, str]:
    """The share of the limit, and the three largest causes of the rest."""
    if limit is None:
        return "", ""
    causes = sorted(limit.rest.items(), key=lambda cause: -cause[1])[:3]
    return f"{limit.share:.0%}", ", ".join(f"{cause} {share:.0%}" for cause, share in causes)


def _timings(pages: Sequence[report.Page], folder: Path) -> Table:
    table = Table("notebook", "seconds", "outcome", title=f"written to {folder}")
    for one in pages:
        table.add_row(one.name, f"{one.seconds:.1f}", "failed" if one.error else "ok")
    table.add_row("all", f"{sum(one.seconds or 0.0 for one in pages):.1f}", "")
    return table


if __name__ == "__main__":
    main()
