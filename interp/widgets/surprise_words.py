"""How the Surprise Reader reads: tokens in a row, the guesses at each as a sentence. Pure; all is escaped."""

from collections.abc import Iterator, Sequence
from html import escape
from math import log

from interp.languages import say
from interp.result import Result
from interp.screens.picture import Picture
from interp.screens.reading import Reading
from interp.widgets.own_words import cautions_html, with_cautions
from interp.widgets.wording import numbered, percent, visible, word

DARKEST = log(1000)  # nats from which on a token has the full shade: one chance in a thousand


def result_html(answer: Reading, *, live: bool = True) -> str:
    """What must be said first, the headline, and the tokens: the darker, the more surprising; `live` ones
    are buttons that tell their guesses.
    """
    return (
        f'{cautions_html(answer.cautions)}<p class="finding small">{escape(finding(answer))}</p>'
        f'<div class="strip" role="group" aria-label="{say("The text, token by token")}">'
        f"{_strip(answer, live)}</div>"
    )


def twin_html(answer: Reading) -> str:
    """All of it as text."""
    rows = "".join(
        f'<tr><th scope="row">{escape(visible(token))}</th><td>{nats:.2f}</td>'
        f'<td class="left">{escape(told)}</td></tr>'
        for token, nats, told in _each(answer)
    )
    return (
        f"<details><summary>{say('The same as text')}</summary><table><caption>"
        f"{say('Surprise in nats, and the likeliest words there')}</caption><thead><tr>"
        f"<th scope='col'>{say('token')}</th><th scope='col'>{say('surprise')}</th>"
        f"<th scope='col' class='left'>{say('likeliest')}</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )


def finding(answer: Reading) -> str:
    """The most surprising token and the mean, in one sentence."""
    values = answer.surprise.values
    most = int(values.argmax())
    return say(
        "Most surprising: “{token}”, {most:.1f} nats; {mean:.1f} on average.",
        token=word(answer.tokens[most]),
        most=values[most],
        mean=values.mean(),
    )


def status(answer: Reading) -> str:
    """The finding, for screen readers."""
    return with_cautions(answer.cautions, finding(answer))


def picture(answer: Reading, model: str) -> Picture:
    """The tokens in a row, the more surprising the stronger the colour."""
    axes = {"token": numbered(answer.tokens)}
    surprise = Result(
        answer.surprise.values,
        axes,
        say(answer.surprise.quantity),
        say(answer.surprise.unit),
        {"model": model},
    )
    return Picture("token_strip", status(answer), surprise, (), {"tokens": answer.tokens})


def static_html(answer: Reading, name: str, style: str) -> str:
    """The reader without its controls: what GitHub, PDF and a notebook without a kernel show."""
    heading = say("How surprising is a text to {name}?", name=escape(name))
    return (
        f'<style>{style}</style><div class="interp-widget interp-surprise"><h3>{heading}</h3>'
        f"{result_html(answer, live=False)}{twin_html(answer)}</div>"
    )


def _strip(answer: Reading, live: bool) -> str:
    found = []
    for i, (token, nats, guesses) in enumerate(_each(answer)):
        told = escape(
            say(
                "“{token}”: {nats:.1f} nats. Likeliest here: {guesses}",
                token=word(token),
                nats=nats,
                guesses=guesses,
            )
        )
        tag = "button" if live else "span"
        control = f' type="button" tabindex="{-1 if i else 0}" aria-label="{told}"' if live else ""
        shade = min(100.0, max(0.0, 100 * nats / DARKEST))
        text = escape(visible(token))
        found.append(f'<{tag}{control} style="--tint:{shade:.0f}%" title="{told}">{text}</{tag}>')
    return "".join(found)


def _each(answer: Reading) -> Iterator[tuple[str, float, str]]:
    """Every token, its surprise, and the likeliest words in its place."""
    guesses = map(_listed, answer.guesses)
    yield from zip(answer.tokens, answer.surprise.values.tolist(), guesses, strict=True)


def _listed(guesses: Sequence[tuple[str, float]]) -> str:
    return say(", ").join(f"“{word(guess)}” {percent(share)}" for guess, share in guesses)
