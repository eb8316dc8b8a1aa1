"""The article's story in twelve chapters: its claims, what it tells, of whom, where it is tested.

Source: Lee & Trott 2023, "Large language models, explained with a minimum of math and jargon", in our words.
Refuses: verdicts and numbers; those are read from what the notebooks saved.
"""

from dataclasses import dataclass

from interp.languages import message


@dataclass(frozen=True)
class Chapter:
    """A picture of the story: its title, what the article tells there, the claims, the notebook that tests
    them, and the living figure that shows it, if there is one.
    """

    title: str
    tells: str
    claims: tuple[str, ...]
    notebook: str
    view: str | None = None


CHAPTERS = (
    Chapter(
        message("Words are points"),
        message(
            "A word is a list of numbers, like a city's place on a map. Words of like"
            " meaning lie close together."
        ),
        ("C1",),
        "01",
    ),
    Chapter(
        message("Words add up, and repeat us"),
        message(
            "King minus man plus woman is nearly queen. And what people"
            " wrote about doctors and nurses is in the numbers too."
        ),
        ("C2", "C3"),
        "01",
    ),
    Chapter(
        message("Notes in the margin"),
        message("Layer by layer, the model writes notes to each word: which bank is meant, who “his” is."),
        ("C4", "C5", "C6"),
        "02",
    ),
    Chapter(
        message("Heads are matchmakers"),
        message(
            "A head matches a word that asks with a word that offers, and carries"
            " something from one to the other."
        ),
        ("C7",),
        "03",
        "attention",
    ),
    Chapter(
        message("Nine heads find Mary"),
        message(
            "Some heads notice that John was said twice, some block him, some copy"
            " the name that is left. And yet that does not explain why a name comes at all."
        ),
        ("C8", "C9"),
        "04",
    ),
    Chapter(
        message("Where the weights are"),
        message("Most of what a model has learnt stands in its feed-forward layers."),
        ("C10",),
        "05",
    ),
    Chapter(
        message("Neurons match patterns"),
        message(
            "Each neuron of a feed-forward layer waits for a pattern. When it"
            " comes, the neuron writes a tentative guess."
        ),
        ("C11", "C12"),
        "05",
    ),
    Chapter(
        message("The guess changes on the way"),
        message(
            "Stop after every layer and ask for the next word: first noise,"
            " then the country, then its capital."
        ),
        ("C13",),
        "06",
        "lens",
    ),
    Chapter(
        message("Remembering Warsaw"),
        message(
            "One layer turns a country into its capital by adding a vector. Without"
            " it the capital is gone; said in the prompt, it is back."
        ),
        ("C14", "C15", "C16"),
        "06",
    ),
    Chapter(
        message("Turning the taps"),
        message(
            "A model learns by guessing the next word, and having millions of taps"
            " turned a little after each guess. That teaches much, because the world is regular."
        ),
        ("C17", "C20"),
        "07",
    ),
    Chapter(
        message("Bigger"),
        message("Larger models that read more guess better, along a simple curve."),
        ("C18",),
        "08",
    ),
    Chapter(
        message("Does it understand?"),
        message(
            "Large models pass tests of what somebody believes. Or do they only"
            " look clever, like the horse Hans?"
        ),
        ("C19", "C21"),
        "09",
    ),
)

# What the article claims, in short; where something was measured, the words saved with it are shown.
SAYS = {
    "C1": message("Words are points; near means alike."),
    "C2": message("Word vectors do arithmetic."),
    "C3": message("Word vectors also carry our biases."),
    "C4": message("One word has several vectors: its context tells the senses apart."),
    "C5": message("Context settles what no rule settles, such as whose car it is."),
    "C6": message(
        "Each layer adds notes to each word: early layers hold syntax, late ones the whole passage."
    ),
    "C7": message("A head matches queries with keys and then moves information; heads specialise."),
    "C8": message("Nine heads explain how the model finds the name."),
    "C9": message("The nine heads are still no full account."),
    "C10": message("Feed-forward layers are where the weights are."),
    "C11": message("Feed-forward neurons are pattern detectors."),
    "C12": message("A matched neuron writes to the state, often a tentative guess of the next word."),
    "C13": message("The guess changes layer by layer: noise, then the country, then its capital."),
    "C14": message("One feed-forward layer turns the country into its capital by adding a vector."),
    "C15": message("Disable the layer and the capital is gone; state it in the prompt and it is back."),
    "C16": message("Early feed-forward layers hold simple facts, late ones complex relations."),
    "C17": message("A model learns by guessing the next word and having its many taps turned."),
    "C18": message("Bigger models trained on more text get better, as a power law."),
    "C19": message("Large models pass tests of what somebody believes; critics say: Clever Hans."),
    "C20": message("Language is predictable because the world is, so prediction is a good teacher."),
    "C21": message("GPT-4 drew a unicorn and put the horn back in its place."),
}

# Whom the article says it of.
SAID_OF = {
    **dict.fromkeys(("C1", "C2", "C3"), message("word vectors")),
    **dict.fromkeys(("C4", "C5", "C6", "C7", "C12", "C17", "C20"), message("language models")),
    **dict.fromkeys(("C8", "C9"), "GPT-2 small"),
    "C10": "GPT-3",
    "C11": message("a model of 16 layers"),
    **dict.fromkeys(("C13", "C14", "C15"), "GPT-2 medium"),
    "C16": message("GPT-2 small and medium"),
    "C18": message("the GPT family"),
    "C19": message("GPT-1 to GPT-4"),
    "C21": "GPT-4",
}
