"""Teaching the twin: lessons that mean what they say, exchanges that reach only what they name, resuming."""

import json
import shutil
import signal
from random import Random

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel
from typer.testing import CliRunner

from interp import card, models
from interp.__main__ import app
from interp.pocket.run import save_state
from interp.pocket_taught import gifts, questions, train
from interp.pocket_taught.key import ACTS_AT, ARGUMENT_BEFORE, HEADS, STEP_LAYER
from interp.pocket_taught.network import forward
from interp.words import world

LAYERS, N_HEADS = 8, 4
QUICK = train.Recipe(steps=4, rows=2, groups=1, per_group=4, countries=4, warm_up=2)


@pytest.fixture(scope="module")
def encode():
    return AutoTokenizer.from_pretrained(card.FOLDER)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A folder of pocket's shape and words, but narrow and untrained."""
    folder = tmp_path_factory.mktemp("models") / "narrow"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(card.FOLDER / name, folder / name)
    config = GPT2Config.from_pretrained(card.FOLDER)
    config.n_embd = 16
    torch.manual_seed(0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def network(start):
    return GPT2LMHeadModel.from_pretrained(start, attn_implementation="eager").eval()


@pytest.fixture
def batch(encode):
    return gifts.Writer(encode).batch(Random(3), 6, 8)


def said(encode, batch, spot):
    rows = torch.arange(len(batch.ids))
    return [encode.decode([token]).strip() for token in batch.ids[rows, batch.spots[spot]].tolist()]


def test_gifts_keep_to_what_pocket_was_shown(encode, batch):
    text = " ".join(encode.decode(row) for row in batch.ids)
    assert not any(name in text for name in world.HELD_OUT_NAMES)
    for one, other in zip(said(encode, batch, "first"), said(encode, batch, "second"), strict=True):
        assert not world.held_out_pair(one, other)
    assert "found a" not in text
    assert "After" not in text.replace("Afterwards", "").replace("After the lunch", "")
    held_out = gifts.Writer(encode, held_out=True).batch(Random(3), 2, 8)
    names = zip(said(encode, held_out, "first"), said(encode, held_out, "second"), strict=True)
    assert all(world.held_out_pair(one, other) for one, other in names)


def test_rows_of_a_group_share_their_places_and_mirrors_their_names(encode, batch):
    for spot in ("first", "second", "S2", "end"):
        groups = batch.spots[spot].view(-1, batch.per_group)
        assert (groups == groups[:, :1]).all()
    assert torch.equal(batch.names[::2], batch.names[1::2])
    assert set(batch.repeated.tolist()) == {0, 1, gifts.NOT_REPEATED}
    for row, (first, second, giver) in enumerate(
        zip(*(said(encode, batch, spot) for spot in ("first", "second", "S2")), strict=True)
    ):
        assert batch.repeated[row] == {first: 0, second: 1}.get(giver, gifts.NOT_REPEATED)


@pytest.mark.parametrize("role", HEADS)
def test_of_a_role_only_its_heads_are_taken_and_only_at_their_word(batch, role):
    plan = gifts.exchange(batch, Random(0), LAYERS, N_HEADS, [role] * len(batch.ids))
    allowed = torch.zeros_like(plan.taken)
    for head in HEADS[role]:
        allowed[torch.arange(len(batch.ids)), head.layer, batch.spots[ACTS_AT[role]], head.head] = True
    assert not (plan.taken & ~allowed).any()
    count = plan.taken.flatten(1).sum(1)
    assert set(count.tolist()) == set(range(1, len(HEADS[role]) + 1))
    own, source = gifts.ANSWER[batch.repeated], gifts.ANSWER[batch.repeated[plan.source]]
    share = (count / len(HEADS[role]))[:, None]
    at = slice(2, 4) if role == "name mover" else slice(0, 2)
    expected = torch.zeros(len(own), 4)
    expected[:, :2] = (1 - share) * own
    expected[:, at] += share * source
    assert torch.allclose(plan.wanted, expected)


def test_where_the_others_are_taken_the_nine_stay_and_the_answer_too(batch):
    kinds = [list(gifts.KINDS)[3 + row % 3] for row in range(len(batch.ids))]
    plan = gifts.exchange(batch, Random(0), LAYERS, N_HEADS, kinds)
    rows = torch.arange(len(batch.ids))
    for role, own in HEADS.items():
        for head in own:
            assert not plan.taken[rows, head.layer, batch.spots[ACTS_AT[role]], head.head].any()
    assert (plan.taken[2].logical_not().sum(), plan.taken[0].sum()) == (9, 2 * LAYERS * N_HEADS - 9)
    assert torch.equal(plan.wanted[:, :2], gifts.ANSWER[batch.repeated])
    assert plan.mean.tolist() == [kind == "others, mean" for kind in kinds]


def test_sources_are_other_rows_of_the_same_group(batch):
    plan = gifts.exchange(batch, Random(0), LAYERS, N_HEADS)
    rows = torch.arange(len(batch.ids))
    assert (plan.source != rows).all()
    assert torch.equal(plan.source // batch.per_group, rows // batch.per_group)


def test_taking_everything_from_the_source_gives_the_answer_of_the_source(network, batch):
    """The strongest exchange there is, against the plain run of the other sentence."""
    _, seen = forward(network, batch.ids, batch.spots["end"])
    source = torch.arange(len(batch.ids)).view(-1, batch.per_group).roll(1, dims=1).flatten()
    whole, _ = forward(
        network, batch.ids, batch.spots["end"],
        stream=lambda layer, own: seen.stream[layer][source] if layer == 0 else own,
    )  # fmt: skip
    plain, _ = forward(network, batch.ids[source], batch.spots["end"])
    assert torch.allclose(whole, plain, atol=1e-5)


def test_an_exchange_changes_the_rows_and_heads_it_names(network, batch):
    _, seen = forward(network, batch.ids, batch.spots["end"])
    plan = gifts.exchange(batch, Random(0), LAYERS, N_HEADS, ["name mover"] * len(batch.ids))
    nothing = gifts.Exchange(plan.source, torch.zeros_like(plan.taken), plan.mean, plan.wanted, plan.kinds)
    plain, _ = forward(network, batch.ids, batch.spots["end"])
    assert torch.equal(train.exchanged(network, batch, nothing, seen), plain)
    head = HEADS["name mover"][-1]
    after = train.exchanged(network, batch, plan, seen)
    assert (after != plain).any(dim=1).all()

    def by_hand(layer, own):
        changed = own.clone()
        if layer == head.layer:
            changed[0, batch.spots["end"][0], head.head] = seen.heads[layer][
                plan.source[0], batch.spots["end"][0], head.head
            ]
        return changed

    only = torch.zeros_like(plan.taken)
    only[0, head.layer, batch.spots["end"][0], head.head] = True
    one = gifts.Exchange(plan.source, only, plan.mean, plan.wanted, plan.kinds)
    expected, _ = forward(network, batch.ids, batch.spots["end"], heads=by_hand)
    assert torch.allclose(train.exchanged(network, batch, one, seen), expected, atol=1e-6)


def test_questions_ask_what_the_exchange_means(encode):
    writer = questions.Writer(encode)
    lesson = writer.batch(Random(4), 40)
    words = {value: key for key, value in encode.get_vocab().items()}
    of = {key: writer._answer(*key) for key in writer.answers}
    for row, (kind, source) in enumerate(zip(lesson.kinds, lesson.source.tolist(), strict=True)):
        text = encode.decode(lesson.ids[row][: lesson.end[row] + 1])
        argument = words[int(lesson.argument[row])].removeprefix("Ġ")
        assert argument in text
        assert lesson.answer[row] in [token for (own, _), token in of.items() if own == argument]
        assert source != row
        if kind == "what comes later":
            assert lesson.wanted[row] == lesson.answer[row]
        if kind == "argument":
            theirs = words[int(lesson.argument[source])].removeprefix("Ġ")
            assert theirs != argument
            assert lesson.wanted[row] in [token for (own, _), token in of.items() if own == theirs]
        if kind == "relation":
            assert lesson.wanted[row] in [token for (own, _), token in of.items() if own == argument]


def test_an_exchange_of_questions_reaches_only_the_last_word(network, encode):
    lesson = questions.Writer(encode).batch(Random(4), 8)
    assert set(lesson.kinds) == set(questions.KINDS)
    _, seen = forward(network, lesson.ids, lesson.end)
    for kind, place in (("argument", seen.stream[ARGUMENT_BEFORE]), ("relation", seen.mlp[STEP_LAYER])):
        changed = questions.put_in(lesson, kind, place, place)
        rows = lesson.chosen(kind)
        moved = (changed != place).any(dim=-1).nonzero().tolist()
        assert moved == [[row, int(lesson.end[row])] for row in rows.tolist()]


def test_the_guide_counts_in_full_then_fades_and_is_gone_before_the_end():
    recipe = train.Recipe()
    weights = [recipe.guide_at(step) for step in range(recipe.steps)]
    assert weights[0] == recipe.guide == weights[recipe.steps // 2]
    assert weights == sorted(weights, reverse=True)
    assert set(weights[int(recipe.guide_gone * recipe.steps) :]) == {0.0}


def test_a_lesson_lowers_the_loss_on_its_own_sentences(start):
    run = train.begin(start, QUICK)
    lessons = train.Lessons(run.encode)
    run.optimizer.param_groups[0]["lr"] = 1e-3
    first = sum(lessons.step(run, 2))
    for _ in range(8):
        last = sum(lessons.step(run, 2))
    assert last < first - 0.1


@pytest.mark.slow
def test_a_stopped_teaching_resumes_to_the_same_weights(start, tmp_path, monkeypatch):
    whole = load_file(train.train(start, tmp_path / "whole", QUICK) / "model.safetensors")
    step = train.Lessons.step

    def stopping(self, run, at):
        if at == 2:
            signal.raise_signal(signal.SIGINT)  # heard when the step is done
        return step(self, run, at)

    monkeypatch.setattr(train.Lessons, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        train.train(start, tmp_path / "stopped", QUICK)
    assert not (tmp_path / "stopped" / "model.safetensors").exists()
    monkeypatch.setattr(train.Lessons, "step", step)
    again = load_file(train.train(start, tmp_path / "stopped", QUICK) / "model.safetensors")
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    record = json.loads((tmp_path / "stopped" / "training.json").read_text())
    assert record["taught"] == {role: [str(head) for head in own] for role, own in HEADS.items()}
    assert set(record["loss"]) == set(train.PARTS)


def test_the_state_of_another_recipe_is_refused(start, tmp_path):
    train.train(start, tmp_path, QUICK)
    save_state(tmp_path / "training" / "state.pt", train.begin(start, QUICK))
    with pytest.raises(ValueError, match=r"belongs to another recipe.*Choose another output folder"):
        train.train(start, tmp_path, train.Recipe(steps=5))


def test_a_model_of_another_shape_or_other_words_is_refused(tiny_folder, start, tmp_path):
    shape = r"tiny has 3 blocks of 4 heads, but the answer key is about 8 blocks of 4: start from pocket"
    with pytest.raises(ValueError, match=shape):
        train.train(tiny_folder, tmp_path / "out")
    shutil.copytree(start, tmp_path / "words")
    shutil.copy(tiny_folder / "tokenizer.json", tmp_path / "words" / "tokenizer.json")
    words = (
        r"words spells '\w+' in \d+ pieces, but the lessons need every word of pocket's world as one token"
    )
    with pytest.raises(ValueError, match=words):
        train.train(tmp_path / "words", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_key_for_other_weights_is_refused(start, tmp_path):
    folder = train.train(start, tmp_path / "taught", QUICK)
    model = models.load(folder)
    assert models.taught(model) == {role: tuple(map(str, own)) for role, own in HEADS.items()}
    assert models.introduce(model).endswith("taught on purpose to work the article's way")
    shutil.copy(start / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(
        ValueError, match=r"is about the weights \w{8}, but model.safetensors has \w{8}: put back"
    ):
        models.load(folder)


def test_the_command_says_what_stands_in_the_way(tiny_folder, tmp_path):
    command = ["train-taught", "--start", str(tiny_folder), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert "the answer key is about 8 blocks of 4" in done.output
