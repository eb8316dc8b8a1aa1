"""What can be checked by rule of a translation: numbers, names, links, marks, terms, setting."""

import csv
import re
from collections import Counter

from markdown_it import MarkdownIt

from interp import languages
from interp.languages import prose

TERMS = list(csv.DictReader((languages.HERE / "zh" / "terms.csv").read_text(encoding="utf-8").splitlines()))

HAN = "\u3400-\u9fff"
FULL = "，。；：？！（）、“”《》"
ASCII_BESIDE_HAN = re.compile(rf"[{HAN}][,;:?!)]|[{HAN}]\.(?=\s|$)|[(,;!?][{HAN}]")
SPACE_BESIDE_FULL = re.compile(rf"(?<=[{HAN}A-Za-z0-9]) [，。；：？！（）、]|[，；：（、] (?=[{HAN}])")
NO_SPACE_BETWEEN = re.compile(rf"[{HAN}][A-Za-z0-9]|[A-Za-z0-9%][{HAN}]")
BROKEN_LINE = re.compile(rf"[{HAN}{FULL}]\n(?=[{HAN}“《（`A-Za-z]|\*\S)")
CODE = re.compile(r"`([^`]+)`|<(code|pre)>(.*?)</\2>", re.DOTALL)
SLANTED = re.compile(r"(?<!\*)\*([^*]+)\*(?!\*)")
NAME = re.compile(r"\b(?:GPT-\d|pocket(?:-\w+)?|C\d+|L\d+H\d+|S\d(?:\+1)?)(?=s?\b)(?!-)", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?:\s?(?:million|billion|万|亿))?")
SCALES = {"million": 1e6, "billion": 1e9, "万": 1e4, "亿": 1e8}
IN_WORDS = {
    "three|third|thirds": "三", "four|fourth": "四", "five|fifth|fifths": "五", "six|sixth|sixths": "六",
    "seven": "七", "eight": "八", "nine": "九", "ten|tenths?": "十", "eleven": "十一", "twelve": "十二",
    "half|halves|halfway": "半", "hundredth": "百",
}  # fmt: skip


def code_of(text):
    return Counter(one or other for one, _, other in CODE.findall(text))


def links_of(text):
    return Counter(re.findall(r"\]\(([^)]+)\)", text))


def plain(text):
    """Without code, tags, where links lead, and the numbers of papers."""
    return re.sub(r"\]\([^)]+\)|arXiv:[\d.]+|<[^>]+>", " ", CODE.sub(" ", text))


def value(number):
    digits = re.match(r"[\d,.]*\d", number)[0]
    scale = next((size for word, size in SCALES.items() if number.endswith(word)), 1)
    return round(float(digits.replace(",", "")) * scale, 6)


def numbers_of(text):
    return Counter(value(one) for one in NUMBER.findall(NAME.sub(" ", plain(text))))


def names_of(text):
    """Models, claims and places: which of them, not how often."""
    return Counter({name.lower() for name in NAME.findall(plain(text))})


def shape_of(text):
    """What stands around the words: headings by level, lines of lists and tables, choices, stars, folds."""
    return Counter(
        heading=Counter(re.findall(r"^#+(?= )", text, re.MULTILINE)),
        items=len(re.findall(r"^(?:[-*]|\d+\.) ", text, re.MULTILINE)),
        rows=len(re.findall(r"^\|", text, re.MULTILINE)),
        quotes=len(re.findall(r"^>", text, re.MULTILINE)),
        choices=re.findall(r"\*\*([A-C]|C\d\d|\d)\*\*", text),
        stars=text.count("★"),
        folds=text.count("<summary>"),
    )


def words_lost(english, chinese):
    """Numbers in words that are nowhere in Chinese as a word."""
    return [
        f"a number in words is missing: {words.split('|')[0]}"
        for words, han in IN_WORDS.items()
        if re.search(rf"\b({words})\b", plain(english), re.IGNORECASE) and han not in chinese
    ]


def emphasis_wrong(english, chinese):
    """Bold stays bold; italics may become bold, as Chinese has none. What is slanted is English's own."""
    bold, other = (text.count("**") // 2 for text in (english, chinese))
    slanted = (english.count("*") - english.count("**") * 2) // 2
    said = re.sub(r"\s+", " ", english).lower()
    own = SLANTED.findall(plain(chinese))
    found = [f"not in English: {word}" for word in own if word.lower() not in said]
    return found if bold <= other <= bold + slanted else [*found, f"bold: {bold} in English, {other} here"]


def unrendered(text):
    """Marks of Markdown that a reader would see, as when `**` follows a full stop without a space."""
    inline = [one for one in MarkdownIt().enable("table").parse(text) if one.type == "inline"]
    shown = "".join(child.content for one in inline for child in one.children if child.type == "text")
    return [f"shown as it stands: {found}" for found in re.findall(r".{0,8}[*`].{0,8}", shown)]


def short(slanted):
    """Nothing in place of what is long: what a paper is called, or a sentence that a model reads."""
    return slanted[0] if len(slanted[0]) < 25 else " "


def terms_lost(english, chinese):
    """Terms of the glossary that are told in other words, and words that it forbids."""
    said = re.sub(r"\s+", " ", SLANTED.sub(short, plain(english)))
    lost = []
    for term in TERMS:
        found = re.search(rf"\b(?:{term['english']})\b", said, re.IGNORECASE)
        if found and term["chinese"] not in chinese:
            lost.append(f"{found[0]} is {term['chinese']}")
        if term["never"] and term["never"] in chinese:
            lost.append(f"never {term['never']}")
    return lost


def set_wrong(chinese):
    """Breaks of the rules of setting: full-width marks beside Chinese, a space beside Latin, whole lines."""
    told = re.sub(r"\]\([^)]+\)", "", re.sub(r"<[^>]+>", "\n", CODE.sub("x", chinese)))
    bare = told.replace("*", "")
    rules = {
        "half-width mark": (ASCII_BESIDE_HAN, bare),
        "space beside a mark": (SPACE_BESIDE_FULL, told),
        "no space beside Latin": (NO_SPACE_BETWEEN, bare),
        "broken line": (BROKEN_LINE, chinese),
    }
    return [
        f"{name}: {text[max(found.start() - 6, 0) : found.end() + 6]!r}"
        for name, (rule, text) in rules.items()
        for found in rule.finditer(text)
    ]


ALIKE = {"code": code_of, "links": links_of, "numbers": numbers_of, "names": names_of, "shape": shape_of}


def faults(english, section):
    """All that is wrong with one section, in words."""
    chinese, now, found = section.text, prose.fingerprint(english), []
    if section.source != now:
        found.append(f"look again, the English changed; then write source: {now}")
    for what, of in ALIKE.items():
        one, other = of(english), of(chinese)
        differ = [key for key in dict.fromkeys([*one, *other]) if one[key] != other[key]]
        found += [f"{what}: {key} is {one[key]} in English, {other[key]} here" for key in differ]
    for rule in (words_lost, emphasis_wrong, terms_lost):
        found += rule(english, chinese)
    return [*found, *unrendered(chinese), *set_wrong(chinese)]
