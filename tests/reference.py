"""A GPT-2 in plain loops over prompts, layers and heads, from the checkpoint's own weights: the judge.

Slow on purpose and independent of transformers and TransformerLens: it reads the safetensors file and
config.json, works in float64, and knows nothing of folding or centring.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file


@dataclass
class Pass:
    """What one forward pass of one prompt left behind."""

    logits: torch.Tensor  # position token
    z: dict = field(default_factory=dict)  # (layer, head) -> position d_head
    written: dict = field(default_factory=dict)  # (layer, head) -> position d_model: what the head adds
    pattern: dict = field(default_factory=dict)  # (layer, head) -> query key
    streams: dict = field(
        default_factory=dict
    )  # ("resid_pre" | "resid_mid" | "resid_post", layer) -> position d_model
    parts: dict = field(default_factory=dict)  # "embed", "pos_embed", ("attn_out", layer), ("mlp_out", layer)
    neurons: dict = field(default_factory=dict)  # layer -> position neuron
    qkv: dict = field(default_factory=dict)  # (layer, head, "q" | "k" | "v") -> position d_head


class Reference:
    """The model of a folder; `forward(ids)` runs it."""

    def __init__(self, folder: Path):
        self.config = json.loads((Path(folder) / "config.json").read_text())
        weights = load_file(Path(folder) / "model.safetensors")
        self.weights = {name.removeprefix("transformer."): w.double() for name, w in weights.items()}
        self.layers, self.heads = self.config["n_layer"], self.config["n_head"]
        self.d_head = self.config["n_embd"] // self.heads

    def forward(
        self,
        ids,
        *,
        removed=(),
        replaced: Mapping = {},
        removed_neurons=(),
        change: Mapping[tuple[str, int], Callable] = {},
        parts: Mapping = {},
        mlps: Mapping = {},
    ) -> Pass:
        """One prompt. `removed` heads write nothing; `replaced[(layer, head)]` is a head's output instead
        (position d_head); `removed_neurons` are (layer, neuron); `change[("resid_mid", 1)]` maps a stream;
        `parts[(layer, head, "q")]` are queries, keys, values or a pattern instead; `mlps[layer]` is what a
        feed-forward layer writes instead."""
        ids = torch.as_tensor(ids)
        out = Pass(torch.empty(0))
        out.parts["embed"] = self.weights["wte.weight"][ids]
        out.parts["pos_embed"] = self.weights["wpe.weight"][: len(ids)]
        stream = out.parts["embed"] + out.parts["pos_embed"]
        for layer in range(self.layers):
            stream = self._note(out, "resid_pre", layer, stream, change)
            attended = self._attention(layer, self._norm(f"h.{layer}.ln_1", stream), out, removed,
                                       replaced, parts)  # fmt: skip
            stream = self._note(out, "resid_mid", layer, stream + attended, change)
            fed = self._feed_forward(layer, self._norm(f"h.{layer}.ln_2", stream), out, removed_neurons)
            stream = stream + mlps.get(layer, fed)
            stream = self._note(out, "resid_post", layer, stream, change)
        unembed = self.weights.get("lm_head.weight", self.weights["wte.weight"])
        out.logits = self._norm("ln_f", stream) @ unembed.T
        return out

    def contribution(self, run: Pass, layer, head, answer, against) -> float:
        """What a head writes towards one token and away from another at the last position, in logits: the
        final layer norm, with that run's own scale, applied to the head's share alone."""
        final, written = run.streams["resid_post", self.layers - 1][-1], run.written[layer, head][-1]
        scale = (final.var(unbiased=False) + self.config["layer_norm_epsilon"]).sqrt()
        unembed = self.weights.get("lm_head.weight", self.weights["wte.weight"])
        direction = self.weights["ln_f.weight"] * (unembed[answer] - unembed[against])
        return float((written - written.mean()) / scale @ direction)

    def _note(self, out, kind, layer, stream, change):
        stream = change.get((kind, layer), lambda same: same)(stream)
        out.streams[kind, layer] = stream
        return stream

    def _norm(self, name, x):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.pow(2).mean(-1, keepdim=True) + self.config["layer_norm_epsilon"]).sqrt()
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def _attention(self, layer, x, out, removed, replaced, parts):
        name, width = f"h.{layer}.attn", self.config["n_embd"]
        qkv = x @ self.weights[f"{name}.c_attn.weight"] + self.weights[f"{name}.c_attn.bias"]
        total = self.weights[f"{name}.c_proj.bias"].expand(len(x), width)
        for head in range(self.heads):
            columns = slice(head * self.d_head, (head + 1) * self.d_head)
            for part, start in (("q", 0), ("k", width), ("v", 2 * width)):
                own = qkv[:, start : start + width][:, columns]
                out.qkv[layer, head, part] = parts.get((layer, head, part), own)
            q, k, v = (out.qkv[layer, head, part] for part in "qkv")
            z = torch.zeros_like(v)
            out.pattern[layer, head] = torch.zeros(len(x), len(x), dtype=torch.float64)
            for query in range(len(x)):
                scores = k[: query + 1] @ q[query] / math.sqrt(self.d_head)
                out.pattern[layer, head][query, : query + 1] = scores.softmax(0)
            out.pattern[layer, head] = parts.get((layer, head, "pattern"), out.pattern[layer, head])
            for query in range(len(x)):
                z[query] = out.pattern[layer, head][query, : query + 1] @ v[: query + 1]
            z = torch.zeros_like(z) if (layer, head) in removed else replaced.get((layer, head), z).double()
            out.z[layer, head] = z
            out.written[layer, head] = z @ self.weights[f"{name}.c_proj.weight"][columns]
            total = total + out.written[layer, head]
        out.parts["attn_out", layer] = total
        return total

    def _feed_forward(self, layer, x, out, removed_neurons):
        name = f"h.{layer}.mlp"
        pre = x @ self.weights[f"{name}.c_fc.weight"] + self.weights[f"{name}.c_fc.bias"]
        post = 0.5 * pre * (1 + torch.tanh(math.sqrt(2 / math.pi) * (pre + 0.044715 * pre**3)))
        for where, neuron in removed_neurons:
            if where == layer:
                post[:, neuron] = 0
        out.neurons[layer] = post
        out.parts["mlp_out", layer] = (
            post @ self.weights[f"{name}.c_proj.weight"] + self.weights[f"{name}.c_proj.bias"]
        )
        return out.parts["mlp_out", layer]


def log_probabilities(reference: Reference, tokens, **edits) -> torch.Tensor:
    """Log-probabilities [prompt, position, token] of a batch without padding, under the same edits."""
    return torch.stack([reference.forward(row, **edits).logits.log_softmax(-1) for row in tokens])
