"""The pocket world: what it writes, and what it must never write."""

import re
from random import Random

import pytest

from interp.words import world
from interp.words.facts import COUNTRIES, RELATIONS
from interp.words.ioi import NAMES, TEMPLATES


def documents(kind, number=3000):
    chooser = Random(7)
    return [kind(chooser) for _ in range(number)]


def test_one_seed_writes_one_world():
    assert documents(world.document, 200) == documents(world.document, 200)


def test_no_slot_is_left_open():
    for text in documents(world.document):
        assert not re.search(r"[{}]", text), text
        assert not re.search(r"\b[Aa] [aeiou]", text), text


def test_held_out_pairs_never_share_a_gift():
    for text in documents(world.gift):
        last = re.split(r"(?<=\.) ", text)
        gave = [name for name in re.findall(r"\w+", last[-1]) if name in NAMES]
        if len(gave) == 2 and "thanked" in last[-1]:
            assert not world.held_out_pair(*gave), text
        assert not set(gave) & set(world.HELD_OUT_NAMES), text


def test_held_out_templates_never_appear():
    for text in documents(world.gift):
        assert not re.search(r"After \w+ and \w+ went to", text), text
        assert not re.search(r"Friends \w+ and \w+ found", text), text


def test_the_held_out_templates_are_those_two():
    assert [TEMPLATES[at].split("{")[0] for at in world.HELD_OUT_TEMPLATES] == ["After ", "Friends "]


@pytest.mark.parametrize("kind", [world.questions, world.contradiction])
def test_a_country_is_never_asked_about_in_its_held_out_phrasing(kind):
    for text in documents(kind):
        for country, facts in COUNTRIES.items():
            for relation in RELATIONS:
                phrasing = world.ASKING[world.held_out_phrasing(country)]
                start = phrasing.split("{value}")[0]
                if "{name}" in start:
                    continue  # checked by its own words, names vary
                asked = start.format(country=country, relation=relation)
                assert asked not in text, (text, facts)


def test_every_country_has_a_held_out_phrasing_that_is_not_the_articles():
    assert {world.held_out_phrasing(country) for country in COUNTRIES} == set(range(1, len(world.ASKING)))


def test_the_giver_is_not_always_the_latest_name_and_counts_do_not_tell():
    later = more_often = 0
    texts = [text for text in documents(world.gift) if " to " in text]
    for text in texts:
        before, receiver = text.split(" thanked ")[0].rstrip(".").rsplit(" ", 1)[0], None
        found = re.search(r"(?:to|said to) (\w+)\.", text)
        receiver = found.group(1) if found else None
        names = [name for name in re.findall(r"\w+", before) if name in NAMES]
        if receiver in names:
            counts = sorted((names.count(name) for name in set(names)), reverse=True)
            more_often += names.count(receiver) == counts[0] and len(counts) > 1
            later += bool(
                re.search(rf"(while|as|because) \w+ (watched|was|walked|asked)[^.]*, to {receiver}", text)
            )
    assert more_often > 0.1 * len(texts)
    assert later > 0.02 * len(texts)
