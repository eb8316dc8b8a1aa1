"""Is this machine ready? One line per thing looked at, and one fix for each that is not right.

Looks at installed packages, model sources, the device and the notebook front end; runs no model.
"""

import html
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = {
    "torch": "2.13",
    "transformer-lens": "4.3",
    "jupyterlab": "4",
    "ipywidgets": "8",
    "anywidget": "0.11",
}
EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "anywidget", "jupyterlab-plotly")
INSTALL = "make .venv/ready, then start again with make lab"
SYMBOLS = {"ok": "✓", "note": "·", "problem": "✗"}


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, what was found, `state` ok, note or problem, and the fix if any."""

    name: str
    found: str
    state: str = "ok"
    fix: str = ""

    def __str__(self) -> str:
        return f"{SYMBOLS[self.state]} {self.name}: {self.found}" + (f" → {self.fix}" if self.fix else "")


@dataclass(frozen=True)
class Report:
    """All checks; shows itself as text or, in a notebook, as a list."""

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way of running the notebooks."""
        return all(check.state != "problem" for check in self.checks)

    def __str__(self) -> str:
        return "\n".join(str(check) for check in self.checks)

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(str(check))}</li>" for check in self.checks)
        return f"<ul style='list-style: none; padding: 0'>{items}</ul>"


def examine(source: str | None = None, device: str | None = None) -> Report:
    """Report on this machine and on the model that `models.load(source, device=device)` would load."""
    machine = (_device(device), _memory(), _font(), _front_end())
    return Report((_python(), *_packages(), _model(source), *machine, *_language()))


def _python() -> Check:
    return Check("Python", sys.version.split()[0])


def _packages() -> Iterator[Check]:
    for name, wanted in PACKAGES.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Check(name, "not installed", "problem", INSTALL)
            continue
        fits = found == wanted or found.startswith(wanted + ".")
        yield Check(name, found) if fits else Check(name, f"{found}, tested with {wanted}", "note", INSTALL)


def _model(source: str | None) -> Check:
    from interp import models  # imports torch, so after the packages have been looked at

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            place = models.locate(source)
            models.check_files(place)
        except ValueError as error:
            return Check("model", "none", "problem", str(error))
    size = sum(file.stat().st_size for file in place.folder.glob("*.safetensors")) / 1e6
    found = f"{place.name}, {size:.0f} MB of weights"
    return Check("model", found, "note", str(said[0].message)) if said else Check("model", found)


def _device(device: str | None) -> Check:
    import torch

    if device and (why := _refused(device)):
        return Check("device", f"no {device} here", "problem", why)
    if torch.cuda.is_available():
        return Check("device", f"CUDA, {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Check("device", "CPU; an Apple GPU is there, but it has no numbers in double precision")
    threads = torch.get_num_threads()
    return Check("device", f"CPU, {threads} thread{'' if threads == 1 else 's'}")


def _refused(device: str) -> str | None:
    from interp.models import devices

    try:
        devices.choose(device)
    except ValueError as error:
        return str(error)
    return None


def _memory() -> Check:
    pages = os.sysconf("SC_PHYS_PAGES") if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}) else 0
    size = pages * os.sysconf("SC_PAGE_SIZE") / 2**30 if pages else 0.0
    if not size:
        return Check("memory", "unknown", "note", "GPT-2 small wants 6 GB, the pocket model 2 GB")
    fix = "" if size >= 6 else "stay with the pocket model; GPT-2 small wants 6 GB"
    return Check("memory", f"{size:.0f} GB", "ok" if size >= 6 else "note", fix)


def _font() -> Check:
    from matplotlib.font_manager import findfont

    try:
        return Check("font", Path(findfont("DejaVu Sans")).stem)
    except ValueError:
        return Check("font", "none that matplotlib finds, not even its own", "problem", INSTALL)


def _language() -> Iterator[Check]:
    """Where another language than English is asked for: is it there, and has this machine its letters?"""
    from interp import languages

    try:
        language = languages.chosen()
    except ValueError as error:
        yield Check("language", "unknown", "problem", str(error))
        return
    if language == languages.ENGLISH:
        return
    from interp.figures import glyphs

    if font := glyphs.font_with("中"):
        yield Check("language", f"{language}, in {font}")
    else:
        found = f"{language}, but no font here has its letters, so pictures stay in English"
        yield Check("language", found, "note", "install Noto Sans CJK (fonts-noto-cjk) and run again")


def _front_end() -> Check:
    folder = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    absent = [name for name in EXTENSIONS if not (folder / name).is_dir()]
    if not absent:
        return Check("notebook front end", "JupyterLab with widgets and plotly")
    fix = "start JupyterLab from the environment that holds the kernel: make lab"
    return Check("notebook front end", f"no extension {', '.join(absent)}", "note", fix)
