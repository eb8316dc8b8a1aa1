"""The recipe of `taps` in a process of its own: begun, paused, resumed and stopped while it trains.

Its state is saved like that of every run. So a page may be closed, and a kernel may end: the next one goes
on from there. On a machine that is too small for the recipe it takes fewer steps, or fewer rows, and says so.

A process and no thread, so that the kernel is free for whatever else it is asked.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import psutil
import torch
from tqdm.auto import tqdm

from interp import files
from interp.screens.refusals import Refused
from interp.screens.training import Progress
from interp.trainings import taps
from interp.trainings.run import Recipe, Run, begin, go_on, saved, take_step

NOTHING, TRAINING, PAUSED, STOPPED, FINISHED = "nothing", "training", "paused", "stopped", "finished"
BETWEEN_NOTICES, TRIED = 0.25, 6  # seconds; steps that tell how fast the machine is
LITTLE_MEMORY, FEW_ROWS = 500, 8  # megabytes that a look at all skills may take; rows where there are fewer
SHARE_OF_TIME, FEWEST_STEPS = 0.8, 20  # what steps may take of the time; looks take the rest
PACKAGE = Path(__file__).parents[2]  # where a process of its own finds this library


@dataclass
class _Seen:
    """What is known of a run from outside."""

    recipe: Recipe
    step: int = 0
    loss: float | None = None
    looks: list[dict[str, Any]] = field(default_factory=list)


class Live:
    """One training that can be watched; with a folder its state outlives the process."""

    def __init__(self, folder: Path | None = None, *, steps: int = taps.RECIPE.steps):
        self._own = TemporaryDirectory(prefix="training-") if folder is None else None
        self._folder, self._steps = Path(self._own.name if self._own else folder or ""), steps
        self._listeners: list[Callable[[], None]] = []
        self._seen: _Seen | None = None
        self._child: subprocess.Popen[str] | None = None
        self._ear: Thread | None = None
        self._status, self._wanted = NOTHING, TRAINING
        self._told, self._small = "", ""  # what went wrong or ended it; what was made smaller
        self._mine = False  # whether this process trained
        self._find()

    @property
    def progress(self) -> Progress:
        """How far it is now."""
        seen, told = self._seen, " ".join(filter(None, (self._told, self._small)))
        if seen is None:
            return Progress(self._status, 0, self._steps, taps.RECIPE.seed, None, told)
        return Progress(self._status, seen.step, seen.recipe.steps, seen.recipe.seed, seen.loss, told)

    @property
    def looks(self) -> list[dict[str, Any]]:
        """What was measured so far, as `taps.look` notes it."""
        return list(self._seen.looks) if self._seen else []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this, in a thread of its own, whenever there is news: a few times a second."""
        self._listeners.append(listener)

    def start(self, seconds: float | int = 60, seed: int = 3) -> None:
        """Begin from the first weights of a seed, for so many seconds at most; a run of before is left.

        Raises `Refused`, which says which of the two is wrong, or while it trains already.
        """
        _check(seconds, seed)
        self._check_idle("start")
        recipe, self._small = fitting(seconds, seed, self._steps)
        self._set_out(_Seen(recipe), seconds, fresh=True)

    def resume(self, seconds: float | int = 60) -> None:
        """Go on where it was paused, for so many seconds at most. Raises ValueError if it is not paused."""
        _check(seconds, 0)
        self._check_idle("resume")
        if self._status != PAUSED or self._seen is None:
            raise ValueError("There is no paused training to resume: press Start to begin one.")
        self._set_out(self._seen, seconds, fresh=False)

    def pause(self) -> None:
        """Leave off after the step under way; it can be resumed."""
        self._leave(PAUSED)

    def stop(self) -> None:
        """End it after the step under way; what was learnt stays on show, and the next start is a new run."""
        self._leave(STOPPED)

    def wait(self) -> None:
        """Until it has left off, with its progress told; Ctrl-C and the stop button pause it."""
        seen, ear = self._seen, self._ear
        if ear is None or seen is None:
            return
        with tqdm(total=seen.recipe.steps, initial=seen.step, unit="step") as bar:
            with suppress(KeyboardInterrupt):
                while ear.is_alive():
                    ear.join(BETWEEN_NOTICES)
                    bar.update(seen.step - bar.n)
            self.pause()
            bar.update(seen.step - bar.n)

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
            state = saved(self._folder)
        except ValueError as error:
            self._told = str(error)
            return
        if state is not None:
            recipe, losses = _recipe(state["recipe"]), state["losses"]
            looks = list(state["noted"].get("looks", []))
            self._seen = _Seen(recipe, len(losses), losses[-1] if losses else None, looks)
            self._status = FINISHED if len(losses) >= recipe.steps else PAUSED

    def _check_idle(self, wish: str) -> None:
        if self._status == TRAINING:
            raise ValueError(f"The training is under way: pause or stop it before you {wish} it.")

    def _set_out(self, seen: _Seen, seconds: float | int, *, fresh: bool) -> None:
        before = self._seen, self._status
        self._seen, self._told, self._mine = seen, "", True
        self._status = self._wanted = TRAINING
        order = {"folder": str(self._folder), "fresh": fresh, "until": time.monotonic() + seconds,
                 "threads": torch.get_num_threads(), **_named(seen.recipe)}  # fmt: skip
        paths = os.pathsep.join(filter(None, (str(PACKAGE), os.environ.get("PYTHONPATH"))))
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": paths}, start_new_session=True,
        )  # fmt: skip
        self._say(json.dumps(order) + "\n")
        self._ear = Thread(target=self._listen_to, args=(self._child, seen, seconds, before), daemon=True)
        self._ear.start()
        self._notify()

    def _listen_to(
        self, child: subprocess.Popen[str], seen: _Seen, seconds: float | int, before: Any
    ) -> None:
        """Take every piece of news in, and in the end how it ended."""
        news: dict[str, Any] = {}
        for line in child.stdout or ():
            news = json.loads(line)
            if not news.get("refused"):
                seen.step, seen.loss = news["step"], news["loss"]
                seen.looks += news.get("looks", [])
            if "told" in news:
                break
            self._notify()
        self._told = news["told"] if "told" in news else f"The training's process ended ({child.wait()})."
        if news.get("refused"):  # all stays as it was
            self._seen, self._status = before
        elif news.get("finished"):
            self._status = FINISHED
        elif self._told:
            self._status = STOPPED
        elif self._wanted == TRAINING:
            self._status, self._told = PAUSED, f"The {seconds:g} seconds are over: Resume goes on."
        else:
            self._status = self._wanted
        self._notify()

    def _leave(self, wish: str) -> None:
        if self._status == TRAINING and self._child is not None and self._ear is not None:
            self._wanted = wish
            self._say(None)
            self._ear.join()
        elif self._status == PAUSED and wish == STOPPED:
            self._status = STOPPED
            self._notify()

    def _say(self, line: str | None) -> None:
        """Tell the process its order; nothing more (None) means that it shall leave off."""
        pipe = self._child.stdin if self._child else None
        with suppress(OSError):  # it has ended, and `_listen_to` says so
            if pipe and line is None:
                pipe.close()
            elif pipe and line:
                pipe.write(line)
                pipe.flush()

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()


def train(order: dict[str, Any], gone: Callable[[], bool], say: Callable[[dict[str, Any]], None]) -> Run:
    """What the process does: train as ordered until nobody listens any more, saying how far it is.

    News: `step`, `loss`, `looks` that are new; the last says whether it `finished`, what must be `told`, and
    whether it was `refused` before it began.
    """
    run = begin(_recipe(order), len(taps.vocabulary()))
    said = {"at": 0.0}

    def tell(**more: Any) -> None:
        said["at"] = time.monotonic()
        say({"step": run.step, "loss": run.losses[-1] if run.losses else None, **more})

    def look(run: Run) -> None:
        taps.look(run)
        tell(looks=run.noted["looks"][-1:])

    def over() -> bool:
        if time.monotonic() - said["at"] > BETWEEN_NOTICES:
            tell()
        return gone() or time.monotonic() > order["until"]  # a clock all processes share

    try:
        go_on(run, taps.batch, Path(order["folder"]), fresh=order["fresh"], every=taps.EVERY, measure=look,
              until=over)  # fmt: skip
        tell(finished=run.finished, told="")
    except Exception as error:  # the border to another process: a traceback would vanish
        tell(finished=False, told=_sentence(error), refused=not run.noted)
    return run


def main() -> None:
    """Train as ordered on the standard input, until it is closed."""
    order, closed = json.loads(sys.stdin.readline()), Event()
    torch.set_num_threads(order["threads"])

    def wait() -> None:
        sys.stdin.read()
        closed.set()

    def say(news: dict[str, Any]) -> None:
        with suppress(OSError):  # nobody listens: the state is saved all the same
            sys.stdout.write(json.dumps(news) + "\n")
            sys.stdout.flush()

    Thread(target=wait, daemon=True).start()
    train(order, closed.is_set, say)


def _named(recipe: Recipe) -> dict[str, int]:
    return {"steps": recipe.steps, "rows": recipe.rows, "seed": recipe.seed}


def _recipe(named: dict[str, Any]) -> Recipe:
    return replace(taps.RECIPE, **{name: named[name] for name in ("steps", "rows", "seed")})


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
        raise Refused(f"A training needs more than {seconds:g} seconds: give a number such as 60.", "seconds")
    if seed < 0:
        raise Refused(f"{seed} is no seed: give a whole number from 0 on, such as 3.", "seed")


def _sentence(error: Exception) -> str:
    if isinstance(error, ValueError):
        return str(error)
    why = files.told(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return f"The training stopped ({why}); the last good step is kept."


if __name__ == "__main__":
    main()
