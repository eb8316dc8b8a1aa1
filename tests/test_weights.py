"""C10's arithmetic: published totals, the article's own numbers, and a count against the checkpoint's
file.
"""

import numpy as np
from safetensors.torch import load_file

from interp.studies.neurons import weights


def test_the_totals_are_the_published_ones():
    total = weights.family().values.sum(axis=1)
    by_name = dict(zip(weights.FAMILY, total, strict=True))
    published = {
        "gpt2": 124_439_808,
        "gpt2-medium": 354_823_168,
        "gpt2-large": 774_030_080,
        "gpt2-xl": 1_557_611_200,
    }
    assert {name: by_name[name] for name in published} == published
    assert abs(by_name["GPT-3"] / 174.6e9 - 1) < 0.001
    assert abs(by_name["GPT-1"] / 117e6 - 1) < 0.01


def test_the_articles_numbers_for_gpt3():
    shape = weights.FAMILY["GPT-3"]
    assert weights.neurons_and_heads(shape) == (4_718_592, 9_216)
    assert 4 * shape.width == 49_152
    per_layer = (shape.parts()[0] - shape.layers * 5 * shape.width) / shape.layers
    assert per_layer == 49_152 * 12_288 * 2 == 1_207_959_552
    assert abs(per_layer * 96 / 175e9 - 0.663) < 0.001


def test_gpt2_small_has_less_than_half_of_its_weights_in_feed_forward_layers():
    share = weights.shares(weights.family()).at(size="gpt2", part="feed-forward")
    assert abs(float(share) - 0.455) < 0.001


def test_the_count_of_a_loaded_model_is_the_count_of_its_file(tiny, tiny_folder):
    stored = load_file(tiny_folder / "model.safetensors")
    tied = {name: tensor for name, tensor in stored.items() if "lm_head" not in name}
    in_file = sum(tensor.numel() for tensor in tied.values())
    counted = weights.counted(tiny)
    assert counted.values.sum() == in_file
    feed_forward = sum(tensor.numel() for name, tensor in tied.items() if ".mlp." in name)
    assert float(counted.at(part="feed-forward")) == feed_forward


def test_the_verdict_follows_the_share(tiny):
    counted = weights.counted(tiny)
    for values, verdict in (
        ([60, 20, 15, 5], "supported"),
        ([45, 30, 20, 5], "partly"),
        ([20, 60, 15, 5], "not supported"),
    ):
        made = type(counted)(np.array(values, dtype=float), counted.axes, "weights", "", counted.about)
        assert weights.c10(made).verdict == verdict


def test_the_articles_count_of_heads_stands_beside_the_models_own(tiny):
    told = weights.heads_told(tiny)
    heads = tiny.cfg.n_layers * tiny.cfg.n_heads
    assert f"make {heads} heads; each word has {tiny.cfg.d_model} numbers" in told
    assert told.endswith("GPT-3: 96 × 96 = 9,216 heads, 12,288 numbers.")
