"""Every notebook says in Chinese what it says in English: the same cells, numbers, links, terms, and no more."""

import csv
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

import interp.__main__ as command_line
from interp import execution, languages, report

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = execution.notebooks(ROOT / "notebooks")
TERMS = list(csv.DictReader((languages.HERE / "zh" / "terms.csv").open(encoding="utf-8")))

HAN = "\u3400-\u9fff"
FULL = "，。；：？！（）、“”《》"
ASCII_BESIDE_HAN = re.compile(rf"[{HAN}][,;:?!)]|[{HAN}]\.(?=\s|$)|[(,;!?][{HAN}]")
SPACE_BESIDE_FULL = re.compile(rf"(?<=[{HAN}A-Za-z0-9]) [，。；：？！）、]|[，；：（、] (?=[{HAN}])")
NO_SPACE_BETWEEN = re.compile(rf"[{HAN}][A-Za-z0-9]|[A-Za-z0-9%][{HAN}]")
BROKEN_LINE = re.compile(rf"[{HAN}{FULL}]\n(?=[{HAN}“《（*`A-Za-z])")
NAME = re.compile(r"\b(?:GPT-\d|pocket(?:-\w+)?|C\d+|L\d+H\d+|S\d(?:\+1)?)(?![\w-])", re.IGNORECASE)
SCALES = {"million": 1e6, "billion": 1e9, "万": 1e4, "亿": 1e8}
NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?:\s?(?:million|billion|万|亿))?")
IN_WORDS = {
    "three|third|thirds": "三", "four|fourth": "四", "five|fifth|fifths": "五", "six|sixth|sixths": "六",
    "seven": "七", "eight": "八", "nine": "九", "ten|tenths?": "十", "eleven": "十一", "twelve": "十二",
    "half|halves|halfway": "半", "hundredth": "百",
}  # fmt: skip


def pairs(path):
    """Each cell of prose with its section in Chinese."""
    told = languages.sections(languages.texts(path.stem, "zh").read_text(encoding="utf-8"))
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    return cells, told


def code_of(text):
    return Counter(re.findall(r"`([^`]+)`|<(?:code|pre)>(.*?)</(?:code|pre)>", text, re.DOTALL))


def links_of(text):
    return Counter(re.findall(r"\]\(([^)]+)\)|<(https?://[^>]+)>", text))


def plain(text):
    """Without code, and without where links lead and what the links to papers and notebooks are called."""
    text = re.sub(r"`[^`]+`|<(code|pre)>.*?</\1>|\]\([^)]+\)|arXiv:[\d.]+", " ", text, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", text)


def value(number):
    digits = re.match(r"[\d,.]*\d", number)[0]
    scale = next((size for word, size in SCALES.items() if number.endswith(word)), 1)
    return round(float(digits.replace(",", "")) * scale, 6)


def numbers_of(text):
    return Counter(value(one) for one in NUMBER.findall(NAME.sub(" ", plain(text))))


def names_of(text):
    """Models, claims and places: which of them, not how often."""
    return Counter({name.lower() for name in NAME.findall(plain(text))})


def words_lost(english, chinese):
    """Numbers written in words in English that are nowhere in Chinese, neither as a word nor as a digit."""
    found = [
        words.split("|")[0]
        for words, han in IN_WORDS.items()
        if re.search(rf"\b({words})\b", plain(english), re.IGNORECASE) and han not in chinese
    ]
    return found


def shape_of(text):
    """What stands around the words: headings by level, lines of lists and tables, choices, stars, folds."""
    return {
        "headings": re.findall(r"^#+(?= )", text, re.MULTILINE),
        "items": len(re.findall(r"^(?:[-*]|\d+\.) ", text, re.MULTILINE)),
        "rows": len(re.findall(r"^\|", text, re.MULTILINE)),
        "quotes": len(re.findall(r"^>", text, re.MULTILINE)),
        "choices": re.findall(r"\*\*([A-C]|C\d\d|\d)\*\*", text),
        "stars": text.count("★"),
        "folds": text.count("<summary>"),
    }
    return marks


def emphasis_wrong(english, chinese):
    """Bold stays bold, italics may become bold, as Chinese has none; what is slanted is English's own word."""
    bold, other = (text.count("**") // 2 for text in (english, chinese))
    slanted = (english.count("*") - english.count("**") * 2) // 2
    own = re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", plain(chinese))
    lost = [f"not in English: {word}" for word in own if word not in re.sub(r"\s+", " ", english)]
    return lost + (
        [] if bold <= other <= bold + slanted else [f"bold: {bold} in English, {other} in Chinese"]
    )


def unrendered(text):
    """Marks of Markdown that a reader would see, as when `**` follows a full stop without a space."""
    inline = [one for one in MarkdownIt().enable("table").parse(text) if one.type == "inline"]
    shown = "".join(child.content for one in inline for child in one.children if child.type == "text")
    return re.findall(r".{0,8}[*`].{0,8}", shown)


def terms_lost(english, chinese):
    said = re.sub(r"\s+", " ", plain(english))
    lost = [f"{one['chinese']} for {found[0]!r}" for one in TERMS
            if (found := re.search(rf"\b(?:{one['english']})\b", said, re.IGNORECASE)) and one["chinese"] not in chinese]  # fmt: skip
    return lost + [f"never {one['never']}" for one in TERMS if one["never"] and one["never"] in chinese]


def set_wrong(chinese):
    """Breaks of the rules of setting: full-width marks beside Chinese, a space beside Latin, whole lines."""
    told = re.sub(r"`[^`]+`|<(code|pre)>.*?</\1>|\]\([^)]+\)|<[^>]+>", "", chinese, flags=re.DOTALL)
    bare = told.replace("*", "")
    rules = {"half-width mark": (ASCII_BESIDE_HAN, bare), "space beside a mark": (SPACE_BESIDE_FULL, told),
             "no space beside Latin": (NO_SPACE_BETWEEN, bare), "broken line": (BROKEN_LINE, chinese)}  # fmt: skip
    return [f"{name}: {text[max(found.start() - 6, 0):found.end() + 6]!r}"
            for name, (rule, text) in rules.items() for found in rule.finditer(text)]  # fmt: skip


def faults(english, section):
    """All that is wrong with one section, in words."""
    chinese, now = section.text, languages.fingerprint(english)
    found = [f"look again, the English changed; then write source: {now}"] if section.source != now else []
    for what, of in (
        ("code", code_of),
        ("links", links_of),
        ("numbers", numbers_of),
        ("names", names_of),
        ("shape", shape_of),
    ):
        one, other = of(english), of(chinese)
        if one != other:
            parts = [(key, one[key], other[key]) for key in one | other if one[key] != other[key]]
            found.append(f"{what} differ (what, English, Chinese): {parts}")
    found += [f"a number in words is missing: {word}" for word in words_lost(english, chinese)]
    found += [f"shown as it stands: {text}" for text in unrendered(chinese)]
    return found + emphasis_wrong(english, chinese) + terms_lost(english, chinese) + set_wrong(chinese)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_cell_of_prose_has_its_chinese_and_says_the_same(path):
    cells, told = pairs(path)
    assert [cell.id for cell in cells] == list(told)
    wrong = {cell.id: found for cell in cells if (found := faults(cell.source, told[cell.id]))}
    assert not wrong, "\n".join(f"{cell}: {one}" for cell, found in wrong.items() for one in found)
