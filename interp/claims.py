"""A claim of the article with its verdict, and the table of them all. Nothing here runs a model."""

import html
import json
import math
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from interp import files
from interp.languages import ENGLISH, message, say, speaking

VERDICTS = (
    message("supported"),
    message("partly"),
    message("not supported"),
    message("cannot be tested on this model"),
    message("about another model"),
    message("as taught"),  # on a taught model: the instruments find what was put there ...
    message("instrument failed"),  # ... or they do not
)
HASHES = ("weights_sha256", "model_sha256")
VERSIONS_OF = ("torch", "transformer-lens", "transformers", "numpy")
READABLE = "text-align: left; vertical-align: top"  # JupyterLab sets tables of numbers, flush right
COLUMNS = (
    "id",
    message("claim"),
    message("test"),
    message("measured"),
    message("control"),
    message("threshold"),
    message("published"),
    message("verdict"),
    message("why"),
)
ANOTHER = "about another model"
SHIFTS = (0.5, 0.75, 1.25, 1.5)  # a verdict is asked again with its thresholds times these
FRAGILE = 2  # so many variations that change a verdict make it fragile; see `firm`
# The kinds of variation, as readers are told them: "it changes with ..."
THRESHOLDS, SENTENCES = message("other thresholds"), message("other sentences")
ZERO = message("zero instead of the average")
TEXTS, TRAININGS = message("other texts"), message("one training alone")
LISTS = message("other lists of words")
JUDGED = ("supported", "partly", "not supported")  # verdicts that say something about a claim

# The model that the article speaks of: in words, and as we would load it. A claim about language models in
# general has none.
ARTICLE_MODELS = {
    **dict.fromkeys(("C8", "C9"), ("GPT-2 small", ("gpt2",))),
    "C10": ("GPT-3", ()),
    "C11": (message("a model of 16 layers that is no GPT-2"), ()),
    **dict.fromkeys(("C13", "C14", "C15"), ("GPT-2 medium", ("gpt2-medium",))),
    "C16": (message("GPT-2 small and medium"), ("gpt2", "gpt2-medium")),
}


@dataclass(frozen=True)
class Claim:
    """One sentence of the article, how it was tested, what came out, and the verdict that was computed.

    `threshold` is fixed in code before looking; `measured` is None where nothing could be measured. `because`
    says in one computed sentence why this verdict on this model, and what the article's model does.
    `variations` counts by kind in how many, of how many, the verdict is the same. Raises ValueError for an id
    that is not C1, C2 ..., an unknown verdict, or an interval that is not low to high.
    """

    id: str
    text: str
    test: str
    measured: float | None
    interval: tuple[float, float] | None
    control: str
    threshold: str
    verdict: str
    model: str
    figure: str | None = None
    published: str | None = None
    because: str | None = None
    variations: Mapping[str, tuple[int, int]] | None = None

    @property
    def elsewhere(self) -> str | None:
        """The model that the article speaks of, where this claim was measured on another one; else None."""
        words, names = ARTICLE_MODELS.get(self.id, (None, (self.model,)))
        return None if self.model in names else words

    def __post_init__(self):
        if not re.fullmatch(r"C[1-9]\d*", self.id):
            raise ValueError(f"A claim's id is C and a number, such as C8, not {self.id!r}.")
        if self.verdict not in VERDICTS:
            raise ValueError(f"{self.verdict!r} is not a verdict: choose one of {', '.join(VERDICTS)}.")
        if self.interval is not None and not self.interval[0] <= self.interval[1]:
            raise ValueError(
                f"The interval of {self.id} is {self.interval}, but it must run from low to high."
            )


_TABLE = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    '<table class="claims"><caption>{{ caption }}</caption><thead><tr>'
    '{% for column in columns %}<th scope="col" style="{{ style }}">{{ column }}</th>{% endfor %}'
    "</tr></thead><tbody>{% for row in rows %}<tr>"
    '<th scope="row" style="{{ style }}">{{ row[0] }}</th>'
    '{% for text in row[1:] %}<td style="{{ style }}">{{ text }}</td>{% endfor %}'
    "</tr>{% endfor %}</tbody></table>"
)


class HtmlTable(str):
    """HTML that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return str(self)


def decide(
    measured: float,
    interval: tuple[float, float],
    threshold: float,
    controls: Sequence[float] = (),
    *,
    testable: bool = True,
    complete: bool = True,
) -> str:
    """The verdict of a test that expects a large value.

    It holds if the measured value reaches the threshold, its interval lies above zero, and it exceeds every
    control. It then supports the claim, or only partly where the test is not `complete`, i.e. leaves a
    part of the claim unmeasured.
    """
    if not testable:
        return "cannot be tested on this model"
    holds = measured >= threshold and interval[0] > 0 and all(measured > control for control in controls)
    if not holds:
        return "not supported"
    return "supported" if complete else "partly"


Again = Mapping[str, Callable[[], Iterable[Claim]]]  # kind of variation -> the claim made so, when asked


def firm(make: Callable[..., Claim], *measured: object, again: Again | None = None) -> Claim:
    """The claim `make(*measured)`, with how often its verdict stays when it is asked again: its thresholds
    times each of `SHIFTS` (`strict=...`), and as each of `again` makes it, by kind (`SENTENCES`, `ZERO`).

    The rule, fixed before any model was asked so: a verdict is fragile if `FRAGILE` variations or more change
    it, of whatever kind. One change alone (a threshold moved by half, one sample of five, the ruder way of
    silencing) is told, but not called fragile: with four to ten variations one of them may well lie beyond
    the edge. So a verdict with nothing but thresholds is fragile if a quarter more or less changes it, or a
    half either way.

    A claim that cannot be tested is not asked again.
    """
    claim = make(*measured)
    if claim.verdict not in JUDGED:
        return claim
    kinds = {THRESHOLDS: lambda: [make(*measured, strict=shift) for shift in SHIFTS], **(again or {})}
    stays = {kind: [one.verdict == claim.verdict for one in ask()] for kind, ask in kinds.items()}
    return replace(claim, variations={kind: (sum(same), len(same)) for kind, same in stays.items()})


def shifted(share: float | int, strict: float | int) -> float:
    """A threshold for a share that cannot exceed 1, moved: above one half, what it lets be missed is divided
    by `strict`, since one and a half times 0.9 could never be reached; below, it is multiplied."""
    return share * strict if share <= 0.5 else 1 - (1 - share) / strict


def fragile(variations: Mapping[str, Sequence[int]] | None) -> bool:
    """Whether `FRAGILE` variations or more change the verdict."""
    return sum(number - same for same, number in (variations or {}).values()) >= FRAGILE


def stays_text(variations: Mapping[str, Sequence[int]] | None) -> str:
    """How firm a verdict is, as readers see it: "stays in 8 of 10 variations: fragile, it changes with other
    sentences (2 of 5)"; "" if it was not asked again."""
    if not variations:
        return ""
    same, number = (sum(counts) for counts in zip(*variations.values(), strict=True))
    if same == number:
        return say("stays in all {number} variations", number=number)
    changes = [
        say("{kind} ({changed} of {number})", kind=say(kind), changed=of - own, number=of)
        for kind, (own, of) in variations.items()
        if own < of
    ]
    listed = changes[0]
    if len(changes) > 1:
        listed = say("{first} and {last}", first=say(", ").join(changes[:-1]), last=changes[-1])
    told = {"same": same, "number": number, "kinds": listed}
    if fragile(variations):
        return say("stays in {same} of {number} variations: fragile, it changes with {kinds}", **told)
    return say("stays in {same} of {number} variations: it changes with {kinds}", **told)


def save(claims: Iterable[Claim], folder: str | os.PathLike, about: Mapping) -> Path:
    """Path of `claims.json`, after merging these claims by id into the folder's table; writes `claims.md`
    too.

    `about` names `model`, `weights_sha256` and, where there is one, `model_sha256`. Each file is replaced in
    one step, so that a failure leaves the old one whole; a table of another model, or a damaged one, is first
    copied to another name.
    The same claims give the same bytes. Raises OSError with one sentence if the folder cannot be written,
    ValueError if a claim is about another model.
    """
    folder, claims = Path(folder), list(claims)
    _check_model(claims, about["model"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with files.in_turn(folder / "claims.json"):  # another run may add its own just now
            added = {claim.id: _fields(claim) for claim in claims}
            merged = {**_kept(folder / "claims.json", about), **added}
            table_of_all = _document([merged[key] for key in sorted(merged, key=_number)], about)
            text = json.dumps(table_of_all, indent=2, ensure_ascii=False) + "\n"
            files.write_moved(folder / "claims.json", text.encode())
            files.write_moved(folder / "claims.md", _markdown(table_of_all).encode())
    except OSError as error:
        raise OSError(
            f"The claims cannot be written to {folder} ({error.strerror or error}): choose a folder that "
            "you may write to, or free this one."
        ) from error
    return folder / "claims.json"


def table(claims: Iterable[Claim]) -> HtmlTable:
    """The claims as one HTML table, in the order of their ids; every text escaped."""
    rows = [_cells(_fields(claim)) for claim in sorted(claims, key=lambda claim: _number(claim.id))]
    columns = [say(name) for name in COLUMNS]
    caption = say("The article, claim by claim")
    return HtmlTable(_TABLE.render(caption=caption, columns=columns, rows=rows, style=READABLE))


def _number(claim_id: str) -> int:
    return int(claim_id[1:])


def _six_digits(value: float | None) -> float | None:
    """Rounded so that another processor's last bits make no difference; JSON knows no infinity."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _fields(claim: Claim) -> dict:
    fields = {name: value for name, value in asdict(claim).items() if name != "model"}
    fields["measured"] = _six_digits(claim.measured)
    fields["interval"] = None if claim.interval is None else [_six_digits(bound) for bound in claim.interval]
    return fields | {"elsewhere": claim.elsewhere}


def _check_model(claims: Sequence[Claim], model: str) -> None:
    for claim in claims:
        if claim.model != model:
            raise ValueError(
                f"Claim {claim.id} was measured on {claim.model}, but this table is about {model}: "
                "save it in that model's folder."
            )


def _kept(path: Path, about: Mapping) -> dict[str, dict]:
    """Claims of an earlier save on the same weights, by id; anything else is copied aside."""
    if not path.exists():
        return {}
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        claims = {claim["id"]: claim for claim in earlier["claims"]}
        if all(_number(key) and set(_blank()) <= set(claim) for key, claim in claims.items()) and all(
            earlier.get(key, about.get(key)) == about.get(key)  # tables made before have fewer hashes
            for key in ("model", *HASHES)
        ):
            return claims
        name = f"claims.{str(earlier.get('model_sha256', earlier['weights_sha256']))[:8]}.json"
    except (ValueError, KeyError, TypeError, AttributeError):
        name = "claims.damaged.json"
    shutil.copyfile(path, path.with_name(name))  # a copy: the old table stays until the new one is whole
    return {}


def _blank() -> tuple[str, ...]:
    later = ("model", "because", "variations")  # tables made before have none of these
    return tuple(name for name in Claim.__dataclass_fields__ if name not in later)


def _document(claims: list[dict], about: Mapping) -> dict:
    return {
        "model": about["model"],
        **{name: about[name] for name in HASHES if name in about},
        "created_with": _versions(),
        "claims": claims,
    }


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in VERSIONS_OF:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _cells(claim: Mapping) -> tuple[str, ...]:
    return (
        claim["id"],
        say(claim["text"]),
        claim["test"],
        number_text(claim["measured"], claim["interval"]),
        claim["control"],
        claim["threshold"],
        claim["published"] or "",
        verdict_text(claim),
        claim.get("because") or "",
    )


def verdict_text(claim: Mapping) -> str:
    """A saved claim's verdict as readers see it; one measured on another model than the article's says so:
    "partly; about another model: the article speaks of GPT-2 small"."""
    verdict, of = claim["verdict"], claim.get("elsewhere")
    parts = [say(verdict), *filter(None, [stays_text(claim.get("variations"))])]
    parts += (
        [say("about another model: the article speaks of {model}", model=say(of))]
        if of and verdict in JUDGED
        else []
    )
    return say("; ").join(parts)


def number_text(value: float | None, interval: Sequence[float] | None) -> str:
    """A measured number as readers see it, with its interval: "0.5 (0.4 to 0.6)"."""
    if value is None:
        return say("not measured")
    if interval is None:
        return f"{value:.3g}"
    low, high = interval
    return say("{value:.3g} ({low:.3g} to {high:.3g})", value=value, low=low, high=high)


def _markdown(document: Mapping) -> str:
    with speaking(ENGLISH):  # what is kept in git is in one language
        return _in_markdown(document)


def _in_markdown(document: Mapping) -> str:
    lines = [
        f"# Claims, measured on {document['model']}",
        "",
        f"{_hashes(document)} Intervals are 95 %.",
        "",
        "| " + " | ".join((*COLUMNS, "figure")) + " |",
        "|" + " --- |" * (len(COLUMNS) + 1),
    ]
    for claim in document["claims"]:
        cells = (*_cells(claim), claim["figure"] or "")
        lines.append("| " + " | ".join(_markdown_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _hashes(document: Mapping) -> str:
    weights = f"Weights: sha256 {document['weights_sha256']}."
    whole = document.get("model_sha256")
    return f"{weights} Weights, configuration and tokenizer: sha256 {whole}." if whole else weights


def _markdown_cell(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
