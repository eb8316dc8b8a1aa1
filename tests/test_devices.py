"""CUDA and MPS where there is neither: what is chosen, what is said of a GPU that is full, busy or wrong.

No GPU is used here: torch is told that there are two, and what one raises is raised on the CPU.
"""

import warnings

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from interp import doctor, gpu_check, hooks, models
from interp.__main__ import app
from interp.doctor import Check
from interp.methods import ablation, patching
from interp.methods.engine import sweep
from interp.models import devices
from interp.studies.names import ioi

FULL = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB.\nMore lines follow."
)


@pytest.fixture
def two_gpus(monkeypatch):
    """torch says that this machine has two GPUs."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)


def refusal(device):
    with pytest.raises(ValueError) as error:
        devices.choose(device)
    return str(error.value)


@pytest.mark.usefixtures("two_gpus")
def test_of_two_gpus_either_can_be_chosen_and_a_third_is_refused():
    assert devices.choose(None) == torch.device("cuda")
    assert devices.choose("cuda:1") == torch.device("cuda", 1)
    assert devices.choose("cpu") == torch.device("cpu")
    for wrong in ("cuda:2", "cuda:x", "cuda:", "xpu"):
        assert refusal(wrong) == (
            f"The device {wrong!r} is not on this machine. Choose one of: cpu, cuda:0, cuda:1."
        )


def test_without_a_gpu_there_is_the_cpu(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert devices.choose(None) == torch.device("cpu")
    assert refusal("cuda") == "The device 'cuda' is not on this machine. Choose one of: cpu."
    assert str(doctor._device("cuda:1")) == (
        "✗ device: no cuda:1 here → leave --device out, or choose another: The device 'cuda:1' is not on this"
        " machine. Choose one of: cpu."
    )


def test_an_apple_gpu_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    assert refusal("mps") == (
        "The device 'mps' (an Apple GPU) has no numbers in double precision, in which every measurement here"
        " is taken, and has given wrong answers on names. Choose cpu."
    )


# No room


@pytest.mark.parametrize(
    ("error", "reason"),
    [(torch.OutOfMemoryError(FULL), "CUDA out of memory"),
     (torch.AcceleratorError("CUDA error: all CUDA-capable devices are busy or unavailable\nmore"),
      "CUDA error: all CUDA-capable devices are busy or unavailable")],
)  # fmt: skip
def test_a_gpu_that_is_full_or_busy_is_told_where_a_model_is_loaded_and_run(
    error, reason, tiny_folder, tiny, tokens, monkeypatch
):
    def raises(*args, **more):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("torch.nn.Module.to", raises)
        with pytest.raises(ValueError) as told:
            models.load(tiny_folder)
    assert str(told.value) == (
        f"{tiny_folder} cannot be put on cpu ({reason}). End what else runs there, choose another device"
        " (cpu, or another GPU such as cuda:1), or load a smaller model."
    )
    monkeypatch.setattr(tiny.original_model, "forward", raises)
    with pytest.raises(ValueError) as told:
        hooks.run(tiny, tokens)
    assert str(told.value) == (
        f"2 prompts of 7 tokens cannot be run at once on cpu ({reason}). Give fewer at once, or choose cpu."
    )


class Small:
    """A device on which more than so many variants at once do not fit."""

    def __init__(self, patch, most):
        self.sizes = []
        whole = sweep.in_pieces

        def in_pieces(variants, rows_of_one, device, ends_of):
            def limited(piece):
                self.sizes.append(piece.stop - piece.start)
                if self.sizes[-1] > most:
                    raise torch.OutOfMemoryError(FULL)
                return ends_of(piece)

            return whole(variants, rows_of_one, device, limited)

        for room in ("heads", "states", "sets", "paths"):
            patch.setattr(f"interp.methods.engine.{room}.in_pieces", in_pieces)


SWEEPS = {
    "heads": lambda model, one, other: ablation.head_ablation(
        model, one, ioi.logit_difference(one), how="zero", progress=False
    ),
    "states": lambda model, one, other: patching.activation_patching(
        model, one, other, ioi.logit_difference(one), progress=False
    ),
    "positions": lambda model, one, other: patching.head_position_patching(
        model, one, other, ioi.logit_difference(one), progress=False
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SWEEPS)
def test_where_memory_runs_out_pieces_are_halved_and_said_and_numbers_stay(kind, tiny, monkeypatch):
    one = ioi.prompts(tiny, 4, templates=[0], order="ABBA")
    other = ioi.swapped(tiny, one)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = SWEEPS[kind](tiny, one, other)
    small = Small(monkeypatch, most=1)
    with pytest.warns(UserWarning) as said:
        found = SWEEPS[kind](tiny, one, other)
    assert str(said[-1].message) == (
        "The memory of cpu ran out: from here on 1 variants at a time. The numbers are the same, it takes"
        " longer."
    )
    assert max(small.sizes) > 1
    assert np.allclose(found.values, expected.values, atol=1e-4)


def test_one_variant_that_does_not_fit_is_the_end(monkeypatch):
    def never(piece):
        raise torch.OutOfMemoryError(FULL)

    with pytest.warns(UserWarning), pytest.raises(torch.OutOfMemoryError):
        sweep.in_pieces(3, 1, torch.device("cpu"), never)


# The check that anyone can run


def test_without_a_gpu_the_check_is_one_sentence_and_exit_code_2(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    shown = CliRunner().invoke(app, ["doctor", "--gpu"])
    assert shown.exit_code == 2
    assert shown.output.strip() == gpu_check.NO_GPU.format(torch=torch.__version__)


def test_a_device_that_computes_alike_passes_and_one_that_does_not_is_a_problem(tiny_folder, monkeypatch):
    found = gpu_check.compare(str(tiny_folder), "cpu")
    assert (found.logits, found.map, found.same_again) == (0.0, 0.0, True)
    assert all(check.state == "ok" for check in gpu_check.told("cuda:0", found))
    load, loaded = models.load, []

    def other(source, device):
        model = load(source, device="cpu")
        if loaded:  # the second device
            with torch.no_grad():
                model.blocks[1].attn.W_O.mul_(1.01)
            del model.__dict__["card"]
        loaded.append(model)
        return model

    monkeypatch.setattr(models, "load", other)
    first, *_ = gpu_check.told("cuda:0", gpu_check.compare(str(tiny_folder), "cpu"))
    assert first.state == "problem"
    assert "(allowed: 0.001) → measure on the CPU (--device cpu)" in str(first)


@pytest.mark.usefixtures("two_gpus")
def test_every_gpu_gets_its_lines_and_a_busy_one_is_said(monkeypatch):
    free = {"cuda:0": 7e9, "cuda:1": 1e9}
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (free[device], 8e9))
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "Some GPU")
    alike = gpu_check.Compared(1e-5, 2e-5, False, (2.0, 0.1))
    monkeypatch.setattr(gpu_check, "compare", lambda source, device: alike)
    shown = CliRunner().invoke(app, ["doctor", "--gpu"])
    assert shown.exit_code == 0
    assert shown.output.splitlines()[:4] == [
        "✓ cuda:0: Some GPU, 7.0 of 8.0 GB free",
        "✓ cuda:0 beside the CPU: logits differ by 1.0e-05 at most, the ablation map by 2.0e-05 nats"
        " (allowed: 0.001)",
        "· cuda:0, twice the same: other last bits",
        "✓ cuda:0, ablation map of 20 sentences: 0.10 s; 2.00 s on the CPU",
    ]
    assert str(gpu_check._busy("cuda:1")) == str(
        Check("cuda:1", "Some GPU, 1.0 of 8.0 GB free", "note",
              "other programs use it: end them, or choose another GPU")
    )  # fmt: skip
