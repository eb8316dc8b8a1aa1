"""What the Guess says, in the language in which the prose asks. Pure; escapes nothing."""

from collections.abc import Mapping

from interp import languages
from interp.languages import message

ON_CONTROLS = ("own", "keep", "forget", "sure", "yes", "no", "gone", "silent")
SAID: Mapping[str, str] = {
    "ask": message("Your guess?"),
    "yours": message("You guessed {guess}; change it if you like."),
    "both": message("You guessed {guess}. {outcome} came out."),
    "own": message("Your guess, in a few words"),
    "keep": message("Keep"),
    "kept": message("Kept; change it if you like."),
    "counted": message("{made} of {all} guesses made in this notebook; kept in {file} beside it."),
    "only counted": message("{made} of {all} guesses made in this notebook."),
    "forget": message("Forget my guesses"),
    "sure": message("This deletes {file}: the guesses in all notebooks of this folder."),
    "yes": message("Forget them"),
    "no": message("Keep them"),
    "unsaved": message(
        "{file} cannot be read or written ({why}) and was left as it is: your guesses are kept until Python "
        "stops. Move the file, or choose a folder that you may write to."
    ),
    "gone": message("Python was restarted or has stopped: run this cell again."),
    "silent": message("Python is busy: your guess is kept when it is free."),
    "still": message("Here a guess is kept when the notebook runs."),
    "still yours": message("Your guess: {guess}"),
}


def say(language: str, key: str, **fields: object) -> str:
    """One of these sentences in this language."""
    with languages.speaking(language):
        return languages.say(SAID[key], **fields)


def told(language: str, guess: str, outcome: str, choices: Mapping[str, str]) -> str:
    """What stands beneath the choices: asked, guessed, or guessed beside what came out."""
    if not choices:
        return say(language, "kept" if guess else "ask")
    if guess not in choices:
        return say(language, "ask")
    if outcome:
        return say(language, "both", guess=guess, outcome=outcome)
    return say(language, "yours", guess=guess)
