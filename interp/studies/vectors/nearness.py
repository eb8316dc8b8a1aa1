"""C1: words are points, and near means alike. Cities, a map drawn from text alone, and what teaching reaches.

The map is a straight-line reader from a city's vector to its place on the globe, judged on cities, or whole
countries, that it was not shown. Source of the idea: Louwerse and Zwaan 2009; Gurnee and Tegmark 2023
(arXiv:2310.02207).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from interp.claims import Claim, decide
from interp.languages import message
from interp.methods.geometry import neighbours, readers
from interp.result import Result
from interp.vectors import City, WordVectors, cities
from interp.words.vectors import ARTICLE_NEIGHBOURS, ARTICLE_WORD, CLASSES

EARTH = 6371.0  # kilometres, mean radius
TAUGHT = (1, 2, 3, 5, 8)
ROWS = ("as they are", "rows shuffled")
SHUFFLES = 5
BOOTSTRAPS = 1000
CONTINENTS = {
    "AF": "Africa", "AS": "Asia", "EU": "Europe", "NA": "North America", "OC": "Oceania",
    "SA": "South America",
}  # fmt: skip

# The same for every table of vectors
LEAST_ALIKE = 0.5  # share of cities whose nearest city lies on the same continent
MOST_ERROR = 0.5  # of the median error with the places shuffled, whole countries held out

C1_TEXT = message("Words are points; near means alike.")


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a reader puts each city: Result[city, place, coordinate] in degrees ("true" and "found"), and by
    how many kilometres it errs: Result[city].
    """

    places: Result
    errors: Result


def known_cities(vectors: WordVectors) -> tuple[City, ...]:
    """The cities whose word is in the table."""
    return tuple(city for city in cities() if vectors.known([city.word]))


def city_places(vectors: WordVectors) -> Result:
    """Where the cities really lie: Result[city, coordinate], degrees east and north."""
    there = known_cities(vectors)
    values = np.array([(city.longitude, city.latitude) for city in there])
    axes = {"city": tuple(city.word for city in there), "coordinate": ("longitude", "latitude")}
    about = vectors.about() | {"n": len(there)}
    return Result(values, axes, "place", "degrees", about)


def placed(vectors: WordVectors, *, held_out: str = "city", exchanged: int | None = None) -> Placed:
    """Where a linear reader puts every city that it was not shown; `held_out` is "city" or "country".

    With `exchanged`, a seed, the cities' places are shuffled first: nothing is left to learn.
    """
    if held_out not in ("city", "country"):
        raise ValueError(f'held_out is "city" or "country", not {held_out!r}.')
    true = city_places(vectors)
    globe = _on_globe(true.values)
    if exchanged is not None:
        globe = np.random.default_rng(exchanged).permutation(globe)
    names = true.axes["city"]
    groups = names if held_out == "city" else tuple(city.country for city in known_cities(vectors))
    found = readers.held_out(vectors.rows_of(names), globe, groups)
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    error = EARTH * np.arccos(np.clip((found * globe).sum(axis=1), -1, 1))
    places = np.stack([_in_degrees(globe), _in_degrees(found)], axis=1)
    axes = {"city": names, "place": ("true", "found"), "coordinate": true.axes["coordinate"]}
    about = true.about | {"held out": held_out}
    return Placed(
        Result(places, axes, "place", "degrees", about),
        Result(error, {"city": names}, "distance from the true place", "km", about),
    )


def median_errors(vectors: WordVectors) -> Result:
    """The median error of the map: Result[held out, places], in km; places as they are, and shuffled
    (the mean of `SHUFFLES` draws).
    """
    ways = ("city", "country")
    rows = [
        [
            float(np.median(placed(vectors, held_out=way).errors.values)),
            float(np.mean([np.median(placed(vectors, held_out=way, exchanged=seed).errors.values)
                           for seed in range(SHUFFLES)])),
        ]
        for way in ways
    ]  # fmt: skip
    axes = {"held out": tuple(f"the {way}" for way in ways), "places": ("as they are", "shuffled")}
    about = vectors.about() | {"n": len(known_cities(vectors))}
    return Result(np.array(rows), axes, "median distance from the true place", "km", about)


def largest(placed: Placed, number: int = 3) -> Result:
    """The places of a few cities, for all of them are too many lines for one picture: Result[city, place,
    coordinate]. Of every continent so many cities, each the most populous of its country.
    """
    chosen: dict[str, dict[str, str]] = {}
    for city in cities():  # most populous first
        countries = chosen.setdefault(city.continent, {})
        if city.country in countries or len(countries) < number:
            countries.setdefault(city.country, city.word)
    shown = [word for some in chosen.values() for word in some.values()]
    shown = [word for word in shown if word in placed.places.axes["city"]]
    where = [placed.places.axes["city"].index(word) for word in shown]
    axes = {**placed.places.axes, "city": tuple(shown)}
    return Result(placed.places.values[where], axes, "place", "degrees", placed.places.about)


def continents() -> dict[str, str]:
    """The continent of every city, in words."""
    return {city.word: CONTINENTS[city.continent] for city in cities()}


def same_continent(vectors: WordVectors) -> Result:
    """Whether each city's nearest city lies on the same continent: Result[city], 1 or 0."""
    there = known_cities(vectors)
    continent = np.array([city.continent for city in there])
    nearest = neighbours.nearest_among(vectors, [city.word for city in there])
    axes = {"city": tuple(city.word for city in there)}
    about = vectors.about() | {"n": len(there)}
    alike = (continent[nearest] == continent).astype(float)
    return Result(alike, axes, "nearest city on the same continent", "share", about)


def taught(vectors: WordVectors, *, seed: int = 0) -> Result:
    """How well what is taught of some words of a class is known of the others: Result[rows, taught, class],
    AUC on words that were not taught, against words of other classes.

    Classes with too few known words are left out. The control has the rows shuffled.
    """
    classes = {name: vectors.known(words) for name, words in CLASSES.items()}
    classes = {name: words for name, words in classes.items() if len(words) > max(TAUGHT)}
    words = [word for some in classes.values() for word in some]
    if len(classes) < 2:
        raise ValueError(f"{vectors.name} knows too few of the words to teach: give a table of more words.")
    values = np.array([
        [[readers.transfer(table.rows_of(words), np.isin(words, some), number, seed=seed).mean()
          for some in classes.values()] for number in TAUGHT]
        for table in (vectors, vectors.shuffled(seed))
    ])  # fmt: skip
    axes = {"rows": ROWS, "words taught": TAUGHT, "class": tuple(classes)}
    about = vectors.about() | {"n": len(words), "seed": seed}
    return Result(values, axes, "AUC on words that were not taught", "", about)


def c1(alike: Result, control: Result, errors: Result, cat: Result, *, strict: float = 1.0) -> Claim:
    """Verdict on C1: are a city's neighbours where it is, and does a map follow from the vectors?

    `alike` and `control` come from `same_continent`, `control` with the rows exchanged; `cat` is the list of
    the article's word. Neighbours alone make it `partly`. `strict` multiplies the threshold of the neighbours
    and divides that of the map's error.
    """
    luck = float(control.mean("city"))
    measured, interval = float(alike.mean("city")), _over_countries(alike)
    error, lost = (
        float(errors.at(**{"held out": "the country"}).at(places=way)) for way in errors.axes["places"]
    )
    above = (interval[0] - luck, interval[1] - luck)
    drawn = error <= MOST_ERROR / strict * lost
    there = [word for word in ARTICLE_NEIGHBOURS if word in cat.axes["word"]]
    return Claim(
        id="C1",
        text=C1_TEXT,
        test=(
            "Share of cities whose nearest city lies on the same continent (interval over countries). A map"
            f" read off the vectors, whole countries held out, errs by {error:,.0f} km (median), {lost:,.0f}"
            f" with the places shuffled. Of the article's {', '.join(ARTICLE_NEIGHBOURS)},"
            f" {len(there)} are among the {len(cat.axes['word'])} words nearest to {ARTICLE_WORD}."
        ),
        measured=measured,
        interval=interval,
        control=f"rows shuffled: {luck:.3f}",
        threshold=(
            f"at least {LEAST_ALIKE:.2f}, the interval above the control; the map's error at most"
            f" {MOST_ERROR:.0%} of the exchanged one's, else partly"
        ),
        verdict=decide(measured, above, strict * LEAST_ALIKE, [luck], complete=drawn),
        model=alike.about["model"],
    )


def _over_countries(alike: Result) -> tuple[float, float]:
    """The 95 % interval of the mean, by bootstrap over countries: cities of one country are alike."""
    country_of = {city.word: city.country for city in cities()}
    _, country = np.unique([country_of[name] for name in alike.axes["city"]], return_inverse=True)
    number = country.max() + 1
    drawn = np.random.default_rng(0).multinomial(number, [1 / number] * number, size=BOOTSTRAPS)[:, country]
    low, high = np.quantile(drawn @ alike.values / drawn.sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _on_globe(degrees: Float[np.ndarray, "city 2"]) -> Float[np.ndarray, "city 3"]:
    """Longitude and latitude as points on a ball of radius 1, so that no seam runs through an ocean."""
    east, north = np.radians(degrees).T
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)


def _in_degrees(globe: Float[np.ndarray, "city 3"]) -> Float[np.ndarray, "city 2"]:
    return np.degrees(np.stack([np.arctan2(globe[:, 1], globe[:, 0]), np.arcsin(globe[:, 2])], axis=1))
