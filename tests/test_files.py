"""Files written whole or not at all, and left alone when only their last digits moved."""

import numpy as np
import pytest

from interp import files
from interp.claims import Claim, save
from interp.figures import bars
from interp.result import Result


def test_an_interrupted_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    files.write(tmp_path / "a", b"old")

    def interrupted():
        with files.replacing(tmp_path / "a") as beside:
            beside.write_bytes(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("1.00000,2", "1.00001,2", True), ("1.00,2", "1.01,2", False), ("-0.5 a", "0.5 a", False),
        ("0.0000001", "0.0000012", True), ("1e-07", "3e-07", True), ("12", "13", False),
        ("M 10.001 20 L 3", "M 10.0011 20 L 3", True), ("M 10 20", "M 10 20 L 3", False), ("a1", "a2", False),
        ("L5H2 1", "L5H3 1", False), ("#1a9641", "#1a9642", False),
        ("torch 2.13.0", "torch 2.14.0", False),
        ('id="p0123456789" 1.00000', 'id="pabcdef0123" 1.00001', True),
        ('x:href="#image0123456789"', 'x:href="#imageabcdef0123"', True),
        ('id="p0123456789"', 'id="m0123456789"', False), ("(#p0123456789) 1", "(#p9876543210) 2", False),
    ],
)  # fmt: skip
def test_texts_are_alike_only_if_their_numbers_moved_in_the_last_digits(old, new, same):
    assert files.alike(old.encode(), new.encode()) is same


def drawn(values, folder, title="Two words"):
    about = {"model": "pocket", "weights_sha256": "a" * 64, "n": 2}
    result = Result(values, {"token": ("Mary", "John")}, "probability", "probability", about)
    bars(result, title=title).save("x", folder)
    claim = Claim("C8", "t", "test", float(values[0]), (0.1, 0.9), "c", "> 0", "partly", "pocket")
    save([claim], folder / "pocket", about)
    kept = ("x.svg", "x.csv", "claims.json", "claims.md")
    return [(folder / "pocket" / name).read_bytes() for name in kept]


def test_a_value_moved_by_a_hundred_thousandth_leaves_every_tracked_byte_alone(tmp_path):
    values = np.array([0.4321234, 0.2])
    first = drawn(values, tmp_path)
    assert drawn(values * (1 + 1e-5), tmp_path) == first
    assert all(one != other for one, other in zip(drawn(values * 1.01, tmp_path), first, strict=True))
    assert drawn(values, tmp_path, title="Another title")[0] != first[0]
