"""For teachers: each notebook as a lesson, with its time, its predictions, and what came out on this model.

The answers are read from the notebook that ran, so they are this model's own. Refuses: verdicts, analysis.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from interp import predictions
from interp.predictions import plain

CHART = "application/vnd.plotly.v1+json"
HEADING = re.compile(r"^## (\d+ .+)$", re.MULTILINE)
EXERCISE = re.compile(
    r"^\*\*(?P<number>\d)\*\* (?P<stars>★+) (?:(?P<minutes>\d+) minutes\. )?(?P<text>.*?)"
    r"<details><summary>Hint</summary>(?P<hint>.*?)</details>\s*"
    r"(?:<details><summary>More</summary>(?P<more>.*?)</details>\s*)?"
    r"<details><summary>Solution</summary>(?P<solution>.*?)</details>",
    re.MULTILINE | re.DOTALL,
)
PLAYED = re.compile(r"\bwidgets\.(?!Guess\b)")
CAME_OUT = re.compile(r"^[A-Z] came out\. .+", re.MULTILINE)
WORDS_A_MINUTE = 120  # read aloud, with time to look
TO_PREDICT = 1.5  # minutes: think, say it, compare
TO_PLAY = 4.0  # minutes with a widget


@dataclass(frozen=True)
class Step:
    """One prediction: what is asked, and what came out; "" where the notebook has not run."""

    asked: str
    came_out: str


@dataclass(frozen=True)
class Part:
    """One section of a notebook with its share of the time, in minutes."""

    title: str
    minutes: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Exercise:
    """An exercise with its stars, its minutes ("" if none are said), hint, a second one ("" without), and
    solution.
    """

    number: str
    stars: str
    minutes: str
    text: str
    hint: str
    more: str
    solution: str


@dataclass(frozen=True)
class Note:
    """What a teacher should know that the notebook does not say."""

    keep: str
    misread: tuple[str, ...]
    ask: str


@dataclass(frozen=True)
class Lesson:
    """A notebook as a lesson."""

    title: str
    minutes: int
    level: str
    goal: str
    parts: tuple[Part, ...]
    exercises: tuple[Exercise, ...]
    note: Note | None

    @property
    def predictions(self) -> int:
        """How often the class is asked for a guess."""
        return sum(len(part.steps) for part in self.parts)


def lesson(name: str, notebook: NotebookNode) -> Lesson:
    """The lesson in a notebook called `name`; answers are there if it ran. Where its first cell does not say
    "**Time** 20 minutes", as in a reader's own, its time is a rough count.
    """
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    time = re.search(r"\*\*Time\*\* (\d+) minutes", texts[0]) if texts else None
    sections = list(_sections(notebook))
    minutes = int(time[1]) if time else round(sum(weight for _, weight, _ in sections))
    level = re.search(r"\*\*Level\*\* (.*?) ·", texts[0], re.DOTALL) if texts else None
    goal = re.search(r"\*\*Goal[^*]*\*\*\s*(.*?)(?=\n\n|\Z)", "\n\n".join(texts), re.DOTALL)
    return Lesson(
        title=plain(texts[0].splitlines()[0].removeprefix("# ")) if texts else name,
        minutes=minutes,
        level=plain(level[1]) if level else "",
        goal=plain(goal[1]) if goal else "",
        parts=tuple(_timed(sections, minutes)),
        exercises=tuple(_exercises("\n".join(texts))),
        note=NOTES.get(name.split("_")[0]),
    )


def _sections(notebook: NotebookNode) -> Iterator[tuple[str, float, list[Step]]]:
    """Every numbered section: its title, a rough time, its predictions with what came out."""
    title, weight, steps, waiting = "Before it begins", 0.0, [], ""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            weight += TO_PLAY if PLAYED.search(cell.source) else 0
            found = _outcome(cell.outputs)
            if waiting and found:
                steps[-1] = Step(waiting, found)
                waiting = "" if CAME_OUT.match(found) else waiting
            continue
        for piece in re.split(r"(?m)^(?=## )", cell.source):
            if piece.startswith("## "):
                if steps or HEADING.match(f"## {title}"):
                    yield title, weight, steps
                title, weight, steps, waiting = piece.splitlines()[0].removeprefix("## "), 0.0, [], ""
            weight += len(piece.split()) / WORDS_A_MINUTE
            for prediction in predictions.in_text(piece):
                waiting, weight = prediction.asked, weight + TO_PREDICT
                steps.append(Step(waiting, ""))
    if HEADING.match(f"## {title}"):
        yield title, weight, steps


def _timed(sections: Sequence[tuple[str, float, list[Step]]], minutes: int) -> Iterator[Part]:
    """The sections with whole minutes that add up to the lesson's, by the largest remainders."""
    whole = sum(weight for _, weight, _ in sections) or 1.0
    exact = [minutes * weight / whole for _, weight, _ in sections]
    floors = [int(share) for share in exact]
    late = sorted(range(len(exact)), key=lambda at: floors[at] - exact[at])[: minutes - sum(floors)]
    for at, (title, _, steps) in enumerate(sections):
        yield Part(plain(title), floors[at] + (at in late), tuple(steps))


def _outcome(outputs: Sequence[NotebookNode]) -> str:
    """What a cell found: the outcome of a prediction, else the title of its picture, else ""."""
    shown = [output["data"] for output in outputs if "data" in output]
    for data in shown:
        said = CAME_OUT.search(str(data.get("text/plain", "")))
        if said:
            return said[0]
    titles = (
        data[CHART].get("layout", {}).get("title", {}).get("text", "") for data in shown if CHART in data
    )
    return next((plain(title.replace("<br>", " ")) for title in titles if title), "")


def _exercises(text: str) -> Iterator[Exercise]:
    for found in EXERCISE.finditer(text):
        said = {key: plain(value or "") for key, value in found.groupdict().items()}
        yield Exercise(**said)


NOTES = {
    "00": Note(
        "A head is one small part. What it is worth shows only when it is silent, and only beside a control.",
        ("“The head that pushes most is the most important one.” Part 4 shows why not.",
         "“Silent means removed.” It says what it says on average: its share of this sentence is gone."),
        "You found a head that flips the answer. What else would you check before telling a newspaper?",
    ),
    "01": Note(
        "Nearness of word vectors comes from company, not from meaning that somebody wrote down.",
        ("“King minus man plus woman is queen.” Only if the question's own words are left out.",
         "“The bias was removed.” It was hidden: the words still keep the same company."),
        "Which relation between words could such a map never learn, however long it reads?",
    ),
    "02": Note(
        "A note that can be read off a state need not be used. Random networks can be read, too.",
        ("“The probe found it, so the model knows it.” Look at the controls first.",
         "“Blocks are floors of a building.” Each adds to the same list of numbers."),
        "What is the difference between a note in the margin and a trace that was left by accident?",
    ),
    "03": Note(
        "Query and key decide where a head looks; the value decides what it takes along.",
        ("“Attention is an explanation.” It shows where a head looks, not what it uses.",
         "“Every head has one job.” Many have several, or none that we can name."),
        "When would you look at the word before? When at the same word said earlier? Why might a model?",
    ),
    "04": Note(
        "Follow the answer back: who writes it, who steers the writer, who informs those.",
        ("“Nine heads are the explanation.” Compare what they keep with what random heads keep.",
         "“A circuit that explains which name also explains why a name.” Part 7 takes the two apart."),
        "Your neighbour's circuit has other heads and explains as much. Who is right?",
    ),
    "04b": Note(
        "A circuit is a claim. Completeness, minimality and random sets are three ways of losing it.",
        ("“Needed means it costs something when silent.” Others may stand in: silence them together.",),
        "Which of the tests would you drop if you had time for two only? What could then slip through?",
    ),
    "05": Note(
        "A label that fits a neuron's strongest places may fit nothing else. Look lower, too.",
        ("“A neuron for France.” One that is excited at France is not the only one, nor only at France.",
         "“Early means simple, late means abstract.” See whether random directions do the same."),
        "How would you show that a neuron is needed for something, and not only excited by it?",
    ),
    "06": Note(
        "The lens asks every layer for its guess. It shows what the output can read, not all that is there.",
        ("“Grey rows are nonsense.” They are a form that the output cannot read.",
         "“The mean vector is the function.” Compare it with random vectors."),
        "If the answer stands in the sentence, does the model still remember it? How would you tell?",
    ),
    "07": Note(
        "Nobody writes a skill into a model. It arrives while the loss falls, sometimes in a jump.",
        ("“The model understood at step 500.” The seeds differ in when; look at three.",
         "“Low loss, so it knows how.” One block can learn the gifts without the three-step way."),
        "What in your own learning came in a jump?",
    ),
    "08": Note(
        "A power law is a straight line on log paper. Whether it goes on is a bet, not a law of nature.",
        ("“Twice as large is twice as good.” Look how little of the excess goes.",
         "“A good fit of the loss is a good law.” Most of the loss is floor."),
        "An advertisement shows a straight line. What do you ask first?",
    ),
    "09": Note(
        "A perfect exam may be passed by a wrong rule. A twin with one thing changed finds it.",
        ("“It passed, so it understands.” Or: “It failed once, so it does not.” Both go too far.",),
        "Invent a twin for the last exam that you wrote yourself. Which wrong rule would it catch?",
    ),
    "10": Note(
        "A verdict is a number, a control and a threshold, about one model. Kick one, and it falls.",
        ("“Not measured means no.” It means that nobody has looked.",
         "“Supported on pocket-taught is evidence.” It was taught that way: it tests our instruments."),
        "Which verdict would you appeal, and with which measurement?",
    ),
}  # fmt: skip
