"""The recipe of `taps` in a thread of this process: begun, paused, resumed and stopped while it trains.

Its state is saved like that of every run. So a page may be closed, and a kernel may end: the next one goes
on from there. On a machine that is too small for the recipe it takes fewer steps, or fewer rows, and says so.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
from tqdm.auto import tqdm

from interp.trainings import taps
from interp.trainings.run import Recipe, Run, begin, go_on, restore, saved, take_step

NOTHING, TRAINING, PAUSED, STOPPED, FINISHED = "nothing", "training", "paused", "stopped", "finished"
BETWEEN_NOTICES, TRIED = 0.25, 6  # seconds; steps that tell how fast the machine is
LITTLE_MEMORY, FEW_ROWS = 500, 8  # megabytes that a look at all skills may take; rows where there are fewer
SHARE_OF_TIME, FEWEST_STEPS = 0.8, 20  # what steps may take of the time; looks take the rest


@dataclass(frozen=True)
class Progress:
    """How far a training is: its status, steps done and to do, its seed, the loss of the last step in nats
    (None before the first), and in one sentence what must be said of it ("" if nothing).
    """

    status: str
    step: int
    steps: int
    seed: int
    loss: float | None
    told: str


class Live:
    """One training that can be watched; with a folder its state outlives the process."""

    def __init__(self, folder: Path | None = None, *, steps: int = taps.RECIPE.steps):
        self._folder, self._steps = folder, steps
        self._listeners: list[Callable[[], None]] = []
        self._run: Run | None = None
        self._thread: Thread | None = None
        self._status, self._wanted, self._noticed = NOTHING, TRAINING, 0.0
        self._told, self._small = "", ""  # what went wrong or ended it; what was made smaller
        self._mine = False  # whether this process trained
        self._find()

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        run, told = self._run, " ".join(filter(None, (self._told, self._small)))
        if run is None:
            return Progress(self._status, 0, self._steps, taps.RECIPE.seed, None, told)
        loss = run.losses[-1] if run.losses else None
        return Progress(self._status, run.step, run.recipe.steps, run.recipe.seed, loss, told)

    @property
    def looks(self) -> list[dict[str, Any]]:
        """What was measured so far, as `taps.look` notes it."""
        return list(self._run.noted.get("looks", [])) if self._run else []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this, in the training's thread, whenever there is news, but a few times a second at most."""
        self._listeners.append(listener)

    def start(self, seconds: float | int = 60, seed: int = 3) -> None:
        """Begin from the first weights of a seed, for so many seconds at most; a run of before is left.

        Raises ValueError, whose `control` says which of the two is wrong, or while it trains already.
        """
        _check(seconds, seed)
        self._check_idle("start")
        recipe, self._small = fitting(seconds, seed, self._steps)
        self._set_out(begin(recipe, len(taps.vocabulary())), seconds, fresh=True)

    def resume(self, seconds: float | int = 60) -> None:
        """Go on where it was paused, for so many seconds at most. Raises ValueError if it is not paused."""
        _check(seconds, 0)
        self._check_idle("resume")
        if self._status != PAUSED or self._run is None:
            raise ValueError("There is no paused training to resume: press Start to begin one.")
        self._set_out(self._run, seconds, fresh=False)

    def pause(self) -> None:
        """Leave off after the step under way; it can be resumed."""
        self._leave(PAUSED)

    def stop(self) -> None:
        """End it after the step under way; what was learnt stays on show, and the next start is a new run."""
        self._leave(STOPPED)

    def wait(self) -> None:
        """Until it has left off, with its progress told; Ctrl-C and the stop button pause it."""
        run, thread = self._run, self._thread
        if thread is None or run is None:
            return
        with tqdm(total=run.recipe.steps, initial=run.step, unit="step") as bar:
            with suppress(KeyboardInterrupt):
                while thread.is_alive():
                    thread.join(BETWEEN_NOTICES)
                    bar.update(run.step - bar.n)
            self.pause()
            bar.update(run.step - bar.n)

    def finish(self, seconds: float | int = 60, seed: int = 3) -> None:
        """What a cell does if nobody pressed a button: train to the end, or go on after a pause.

        A run that this process finished or stopped stays as it is. Raises ValueError when nothing could be
        trained.
        """
        if self._status == PAUSED:
            self.resume(seconds)
        elif self._status == NOTHING or not self._mine:
            self.start(seconds, seed)
        self.wait()
        if not self.looks:
            raise ValueError(self._told)

    def _find(self) -> None:
        """Take up what an earlier process left in the folder."""
        try:
            state = saved(self._folder) if self._folder else None
            if self._folder is None or state is None:
                return
            mine = {name: state["recipe"][name] for name in ("steps", "rows", "seed")}
            run = restore(begin(replace(taps.RECIPE, **mine), len(taps.vocabulary())), self._folder)
            self._run, self._status = run, FINISHED if run.finished else PAUSED
        except ValueError as error:
            self._told = str(error)

    def _check_idle(self, wish: str) -> None:
        if self._status == TRAINING:
            raise ValueError(f"The training is under way: pause or stop it before you {wish} it.")

    def _set_out(self, run: Run, seconds: float | int, *, fresh: bool) -> None:
        before = self._run, self._status
        self._run, self._told, self._status, self._wanted = run, "", TRAINING, TRAINING
        self._mine = True
        self._thread = Thread(target=self._work, args=(run, seconds, fresh, before), daemon=True)
        self._thread.start()
        self._notify()

    def _work(self, run: Run, seconds: float | int, fresh: bool, before: tuple[Run | None, str]) -> None:
        end = time.monotonic() + seconds

        def over() -> bool:
            if time.monotonic() - self._noticed > BETWEEN_NOTICES:
                self._notify()
            return self._wanted != TRAINING or time.monotonic() > end

        try:
            go_on(run, taps.batch, self._folder, fresh=fresh, every=taps.EVERY, measure=taps.look, until=over)
            status = FINISHED if run.finished else self._wanted
            if status == TRAINING:
                status, self._told = PAUSED, f"The {seconds:g} seconds are over: Resume goes on."
        except Exception as error:  # the border to the screen: in a thread it would vanish
            status, self._told = STOPPED, _sentence(error)
            if not run.noted.get("looks"):  # refused before its first look: what was there stays
                self._run, status = before
        self._status = status
        self._notify()

    def _leave(self, wish: str) -> None:
        if self._status == TRAINING and self._thread is not None:
            self._wanted = wish
            self._thread.join()
        elif self._status == PAUSED and wish == STOPPED:
            self._status = STOPPED
            self._notify()

    def _notify(self) -> None:
        self._noticed = time.monotonic()
        for listener in self._listeners:
            listener()


_here: dict[Path, Live] = {}


def at(folder: Path) -> Live:
    """The training of a folder: the same one wherever this process asks, as when a cell is run again."""
    place = folder.resolve()
    if place not in _here:
        _here[place] = Live(place)
    return _here[place]


def fitting(
    seconds: float | int, seed: int, steps: int, *, a_step: float | int = 0.0, megabytes: float | int = 0.0
) -> tuple[Recipe, str]:
    """The recipe as this machine can train it in the time, and a sentence on what was made smaller, or "".

    What a step takes in seconds and how much memory is free is measured, unless it is given.
    """
    recipe, said = replace(taps.RECIPE, seed=seed, steps=steps), []
    megabytes = megabytes or psutil.virtual_memory().available / 2**20
    if megabytes < LITTLE_MEMORY:
        recipe = replace(recipe, rows=FEW_ROWS)
        said.append(
            f"only {megabytes:.0f} MB of memory are free, so a step reads {FEW_ROWS} rows, not"
            f" {taps.RECIPE.rows}"
        )
    a_step = a_step or _a_step(recipe)
    most = max(FEWEST_STEPS, int(SHARE_OF_TIME * seconds / a_step))
    if most < steps:
        recipe = replace(recipe, steps=most)
        said.append(f"a step takes {a_step:.2f} s here, so it takes {most} steps, not {steps}")
    told = f"Made smaller for this machine: {'; '.join(said)}; the skills may not come." if said else ""
    return recipe, told


def _a_step(recipe: Recipe) -> float:
    """Seconds that one step takes, on a network that nobody needs: the fastest of a few, since what else the
    machine does just now says little about it.
    """
    run, took = begin(recipe, len(taps.vocabulary())), []
    for _ in range(TRIED):
        started = time.monotonic()
        take_step(run, taps.batch(run))
        took.append(time.monotonic() - started)
    return min(took)


def _check(seconds: float | int, seed: int) -> None:
    if not seconds > 0:
        raise _about("seconds", f"A training needs more than {seconds:g} seconds: give a number such as 60.")
    if seed < 0:
        raise _about("seed", f"{seed} is no seed: give a whole number from 0 on, such as 3.")


def _about(control: str, sentence: str) -> ValueError:
    error = ValueError(sentence)
    error.control = control  # type: ignore[attr-defined]
    return error


def _sentence(error: Exception) -> str:
    if isinstance(error, ValueError):
        return str(error)
    return f"The training stopped ({type(error).__name__}: {error}); the last good step is kept."
