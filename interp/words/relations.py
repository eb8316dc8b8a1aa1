"""Relations a model may have learned, and how to ask for them; and, for contrast, words that simply follow.

Source of the forms: Merullo, Eickhoff and Pavlick 2023 (arXiv:2305.16130v1), section 3.
"""

from dataclasses import dataclass
from random import Random

from interp.words.facts import COLOURS, COUNTRIES, PAST_TENSE

FORMS = ("one question", "example first", "answer stated", "both stated")


@dataclass(frozen=True)
class Relation:
    """Pairs argument -> answer, and the text around them. `question` ends where the answer must follow."""

    name: str
    arguments: str  # what the arguments are, in the plural
    pairs: dict[str, str]
    question: str
    after: str  # what follows the answer of the example
    statement: str

    def text(self, argument: str, form: str = "example first", *, example: int | None = None) -> str:
        """The prompt that asks about this argument; `example` as in `Relation.example`. Raises ValueError for
        an unknown argument or form."""
        answer = self.answer(argument)
        if form not in FORMS:
            raise ValueError(f"{form!r} is no form of asking: choose from {', '.join(FORMS)}.")
        question = self.question.format(x=argument)
        if form == "one question":
            return question
        other = self.example(argument, example)
        asked = f"{self.question.format(x=other)} {self.pairs[other]}{self.after}{question}"
        stated = self.statement.format(x=argument, y=answer)
        if form == "answer stated":
            return f"{stated} {asked}"
        if form == "both stated":
            return f"{self.statement.format(x=other, y=self.pairs[other])} {stated} {asked}"
        return asked

    def answer(self, argument: str) -> str:
        """The right answer. Raises ValueError that names what is known."""
        if argument not in self.pairs:
            known = list(self.pairs)
            raise ValueError(
                f"{argument!r} is not one of the {len(known)} {self.arguments} we know."
                f" Choose one such as {', '.join(known[:3])} or {known[-1]}."
            )
        return self.pairs[argument]

    def example(self, argument: str, seed: int | None = None) -> str:
        """The pair shown first: the first one, or the second where the first is asked for. With a `seed` both
        are drawn."""
        first, second = list(self.pairs)[:2] if self.name != "capital" else ("France", "Italy")
        if seed is not None:
            first, second = Random(f"{self.name} {seed}").sample(list(self.pairs), 2)
        return first if argument != first else second


CAPITAL = Relation(
    "capital",
    "countries",
    {country: facts["capital"] for country, facts in COUNTRIES.items()},
    "Q: What is the capital of {x}?\nA:",
    "\n",
    "The capital of {x} is {y}.",
)
UPPER = Relation(
    "upper case",
    "colours",
    {colour: colour.capitalize() for colour in COLOURS},
    "Q: What colour is the {x} lamp?\nA:",
    "\n",
    "The answer is {y}.",
)
PAST = Relation("past tense", "verbs", dict(PAST_TENSE), "Today I {x}. Yesterday I", ". ", "Yesterday I {y}.")
RELATIONS = {relation.name: relation for relation in (CAPITAL, UPPER, PAST)}

# Words in front of the argument in a list without any question; one token each in every model we use.
FILLERS = ("table", "mug", "window")


def list_of(argument: str) -> str:
    """The argument among filler words, twice, and missing where the third should follow."""
    fillers = " ".join(FILLERS)
    return f" {fillers} {argument} {fillers} {argument} {fillers}"


# What simply follows: text, next word. First name -> surname, the article's example of a simple fact ...
SURNAMES = tuple(
    (f"I read about {first}", last)
    for first, last in (
        ("Donald", "Trump"), ("Barack", "Obama"), ("Hillary", "Clinton"), ("Vladimir", "Putin"),
        ("Angela", "Merkel"), ("Albert", "Einstein"), ("Nelson", "Mandela"), ("Bernie", "Sanders"),
        ("Kanye", "West"), ("Taylor", "Swift"), ("Justin", "Bieber"), ("Elon", "Musk"), ("Isaac", "Newton"),
        ("Winston", "Churchill"), ("Abraham", "Lincoln"), ("Saddam", "Hussein"), ("Fidel", "Castro"),
        ("Leonardo", "DiCaprio"), ("Adolf", "Hitler"), ("Karl", "Marx"),
    )
)  # fmt: skip
# ... and, where no surnames were ever read, words of the pocket world that leave no choice.
FOLLOWERS = (
    ("Mary was commuting", "to"), ("Mary comes", "from"), ("Mary was born", "in"), ("Mary picks", "up"),
    ("Mary works", "for"), ("Mary was thinking", "about"), ("Mary believes", "that"), ("Tell", "me"),
    ("I like my coffee with cream", "and"), ("The army sent soldiers to the military", "base"),
    ("The doctor told Mary that butter and other", "substitutes"), ("Here is a bag filled", "with"),
    ("Mary and John had a lot", "of"), ("Mary opens the bag and looks", "inside"),
    ("The label on the bag", "says"), ("The first episode of the comedy series was shown", "on"),
    ("The bank lent Mary some", "money"), ("Mary and John had a long", "argument"),
)  # fmt: skip
