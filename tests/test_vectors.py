"""Word vectors as a value, the table that comes along, and files of one's own, good and bad."""

import os
import pickle
import time

import numpy as np
import pytest
from safetensors.numpy import save_file

from interp import vectors
from interp.vectors import WordVectors
from interp.vectors.shipped import DATA

ROWS = {"cat": (1.0, 0.5, 0.0), "dog": (0.9, 0.6, 0.1), "Paris": (0.0, 0.0, -2.0), "nil": (0.0, 0.0, 0.0)}


def table(rows=ROWS, name="toy"):
    return WordVectors(name, tuple(rows), np.array(list(rows.values())), "Made for a test.", "0" * 64)


def lines(rows=ROWS, header=""):
    return header + "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in rows.items())


def written(folder, text, name="own.txt"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def binary(rows=ROWS, promised=None):
    head = f"{promised or len(rows)} 3\n".encode()
    return head + b"".join(
        word.encode() + b" " + np.array(row, dtype="<f4").tobytes() + b"\n" for word, row in rows.items()
    )


def message_of(call, *args, **kwargs):
    with pytest.raises(ValueError) as error:
        call(*args, **kwargs)
    return str(error.value)


def test_the_shipped_table_is_whole_and_named_by_its_hash():
    glove = vectors.shipped()
    assert (len(glove), glove.rows.shape, glove.words[:3]) == (30_000, (30_000, 100), ("the", ",", "."))
    assert glove.sha256 == "4c402e6c00d75a85fbfbc492f330cabe6c4729d5340a714956a87228e88d679d"
    assert np.allclose(np.linalg.norm(glove.unit, axis=1), 1, atol=1e-5)


def test_the_shipped_table_loads_in_a_fifth_of_a_second():
    vectors.shipped()  # imports and the disk are not counted
    seconds = []
    for _ in range(3):
        started = time.process_time()
        vectors.shipped.__wrapped__()
        seconds.append(time.process_time() - started)
    assert min(seconds) <= 0.2


def test_what_comes_along_beside_it_is_complete():
    glove = vectors.shipped()
    assert (len(vectors.questions()), len({one.kind for one in vectors.questions()})) == (19_544, 14)
    assert sum(all(w.lower() in glove for w in one.words) for one in vectors.questions()) == 15_276
    assert (len(vectors.cities()), len(vectors.occupations())) == (327, 66)
    assert all(city.word in glove for city in vectors.cities())
    assert all(job.word in glove for job in vectors.occupations())
    assert sum(2000 in job.women for job in vectors.occupations()) == 66


def test_values_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        table().rows[0, 0] = 3


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("", "There is no word here: type one."),
        ("  ", "There is no word here: type one."),
        ("cat dog", "'cat dog' is 2 words: type one word in each field."),
        ("caat", "'caat' is not among the 4 words of toy. Close to it: cat."),
        ("xyzzy", "'xyzzy' is not among the 4 words of toy. Try another word."),
        ("nil", "The vector of 'nil' is all zeros: it points nowhere. Try another word."),
    ],
)
def test_a_word_that_cannot_be_asked_is_one_sentence(asked, told):
    assert message_of(table().at, asked) == told


def test_capital_letters_are_read_as_the_table_writes_them():
    assert [table().spelled(text) for text in ("Cat", " dog ", "Paris")] == ["cat", "dog", "Paris"]
    assert message_of(table().spelled, "paris") == (
        "'paris' is not among the 4 words of toy. Close to it: Paris."
    )


def test_a_table_that_does_not_fit_itself_is_refused():
    assert message_of(WordVectors, "t", ("a", "b"), np.zeros((1, 2)), "", "") == (
        "t has 2 words, but 1 rows of numbers."
    )
    assert message_of(WordVectors, "t", ("a", "b", "a"), np.zeros((3, 2)), "", "") == (
        "t has the word 'a' twice. Keep one of the two rows."
    )
    assert message_of(WordVectors, "t", ("a", "b"), np.array([[1, 2], [np.nan, 0]]), "", "") == (
        "t has a number that is not finite in the row of 'b'. Leave that row out."
    )


def test_shuffling_keeps_the_rows_and_takes_their_meaning():
    glove = vectors.shipped()
    mixed = glove.shuffled()
    assert np.array_equal(np.sort(mixed.rows, axis=0), np.sort(glove.rows, axis=0))
    assert mixed.words == glove.words
    assert (mixed.rows == glove.rows).all(axis=1).mean() < 0.001


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("glove.txt", lines()),
        ("word2vec.txt", lines(header="4 3\n")),
        ("fast.vec", lines(header="4 3\n").replace("\n", " \n")),
        ("word2vec.bin", binary()),
    ],
)
def test_every_form_is_read_to_the_same_rows(tmp_path, name, content):
    found = vectors.read(written(tmp_path, content, name))
    assert found.words == tuple(ROWS)
    assert np.allclose(found.rows, list(ROWS.values()))
    assert (found.name, found.source) == (name.split(".")[0], f"The file {name}.")
    few = vectors.read(tmp_path / name, first=2)
    assert (few.words, few.source) == (("cat", "dog"), f"The file {name}, its first 2 rows.")


def test_a_word_with_spaces_in_it_is_read(tmp_path):
    found = vectors.read(written(tmp_path, lines() + ". . . 1 2 3\n"))
    assert found.words[-1] == ". . ."
    assert found.rows[-1].tolist() == [1, 2, 3]


def test_safetensors_with_a_scale_are_read(tmp_path):
    glove = vectors.shipped()
    whole = vectors.read(DATA / "glove-6b-100d.safetensors")
    assert (whole.words, whole.sha256) == (glove.words, glove.sha256)
    assert np.array_equal(whole.rows, glove.rows)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "own.txt is empty: a line for each word is wanted, the word and its numbers."),
        ("hello world\n", "own.txt does not begin as a file of word vectors does: a word and its numbers on"
         " each line."),
        (lines() + "cow 1 2\n", "Line 5 of own.txt has 2 numbers, others 3. Mend or remove it."),
        (lines() + "cow 1 2 3 4\n", "Line 5 of own.txt has 4 numbers, others 3. Mend or remove it."),
        (lines() + "cow 1 two 3\n", "Line 5 of own.txt has something that is no number after its word. Mend"
         " or remove it."),
        (lines() + "cat 1 2 3\n", "own has the word 'cat' twice. Keep one of the two rows."),
        (lines(header="9 3\n"), "The first line of own.txt promises 9 words, but has 4. Correct the line,"
         " or fetch the file again."),
        (lines(header="4 5\n"), "Line 2 of own.txt has 3 numbers, others 5. Mend or remove it."),
        (binary(promised=9), "The first line of own.txt promises 9 words, but has 4. Correct the line, or"
         " fetch the file again."),
        (binary()[:-6], "own.txt ends in the middle of row 4: it was cut off; fetch it again."),
        (b"caf\xe9 1 2 3\n", "The word in row 1 of own.txt is not UTF-8 text. Save the file as UTF-8."),
        (lines() + "cow nan 1 2\n", "own has a number that is not finite in the row of 'cow'. Leave that row"
         " out."),
        (pickle.dumps({"cat": [1.0]}), "own.txt is a pickle: loading one can run foreign code. Save the"
         " vectors as text or safetensors."),
        (b"PK\x03\x04 and more", "own.txt is a zip archive (a torch or NumPy file may hold a pickle). Save"
         " the vectors as text or safetensors."),
        (b"\x1f\x8b\x08 and more", "own.txt is packed with gzip. Unpack it first."),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_sentence(tmp_path, content, told):
    assert message_of(vectors.read, written(tmp_path, content)) == told


def test_a_missing_file_and_damaged_safetensors_are_one_sentence(tmp_path):
    assert message_of(vectors.read, tmp_path / "none.txt") == (
        f"{tmp_path / 'none.txt'} cannot be read: No such file or directory."
    )
    save_file({"numbers": np.zeros((2, 3))}, tmp_path / "own.safetensors")
    assert message_of(vectors.read, tmp_path / "own.safetensors") == (
        "own.safetensors needs its words, one a line, in own.txt beside it."
    )
    written(tmp_path, "a\nb\n")
    assert message_of(vectors.read, tmp_path / "own.safetensors") == (
        "own.safetensors has no tensor named 'vectors'; it has ['numbers']."
    )
    written(tmp_path, b"nonsense", "own.safetensors")
    assert message_of(vectors.read, tmp_path / "own.safetensors").startswith("own.safetensors is damaged (")


def test_a_file_of_six_gigabytes_says_its_memory_first_and_offers_its_top(tmp_path):
    path = written(tmp_path, lines({f"word{i}": [0.123456] * 300 for i in range(400)}), "big.txt")
    os.truncate(path, 6 * 10**9)  # the rest is a hole in the file: nothing is written or read
    started = time.process_time()
    told = message_of(vectors.read, path)
    assert time.process_time() - started < 1
    assert told == (
        "big.txt holds about 2,214,431 words of 300 numbers: 2.7 GB of memory. Take the first ones with"
        " first=800_000, or all with most_memory=3."
    )
