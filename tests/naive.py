"""The methods of the sweeps once more, cell by cell, on the GPT-2 in loops: what the engine must equal."""

import torch


class Pair:
    """One prompt, its donor, and a metric (a logit difference), in the loop-written model."""

    def __init__(self, loops, prompts, donor, number):
        length = int(prompts.length[number])
        self.loops, self.ids = loops, prompts.tokens[number, :length]
        self.answer, self.against = (int(prompts.answers[name][number]) for name in ("io", "s"))
        self.base, self.donor = loops.forward(self.ids), loops.forward(donor.tokens[number, :length])
        self.positions = range(length)

    def change(self, **edits):
        """What the metric at the end changes by under these edits."""
        after, before = (out.logits[-1] for out in (self.loops.forward(self.ids, **edits), self.base))
        return float((after - before)[self.answer] - (after - before)[self.against])

    def mixed(self, base, donor, position):
        """The base's rows, the donor's at one position (all of them if None)."""
        if position is None:
            return donor
        rows = base.clone()
        rows[position] = donor[position]
        return rows

    def state(self, layer, kind, position):
        """The donor's state at one layer and position: a stream, or what a layer writes."""
        if kind in ("attn_out", "mlp_out"):
            wrote = self.donor.parts[kind, layer][position] - self.base.parts[kind, layer][position]
            where = "resid_mid" if kind == "attn_out" else "resid_post"
            return self.change(change={(where, layer): lambda x: _added(x, wrote, position)})
        given = self.donor.streams[kind, layer]
        return self.change(change={(kind, layer): lambda x: self.mixed(x, given, position)})

    def head(self, layer, head, part, position=None):
        """One part of one head from the donor, at one position or at all."""
        if part == "z":
            z = self.mixed(self.base.z[layer, head], self.donor.z[layer, head], position)
            return self.change(replaced={(layer, head): z})
        found = [
            run.pattern[layer, head] if part == "pattern" else run.qkv[layer, head, part]
            for run in (self.base, self.donor)
        ]
        return self.change(parts={(layer, head, part): self.mixed(*found, position)})

    def path(self, sender, receivers=None, *, sender_at=None, receiver_at=None, freeze_mlps=False):
        """Path patching, Wang et al. 2022, appendix B, steps A to D. Receivers are (layer, head, part)."""
        z = self.mixed(self.base.z[sender], self.donor.z[sender], sender_at)
        mlps = {layer: self.base.parts["mlp_out", layer] for layer in range(self.loops.layers)}
        step_c = {"replaced": {**self.base.z, sender: z}, "mlps": mlps if freeze_mlps else {}}
        if receivers is None:
            return self.change(**step_c)
        arrived = self.loops.forward(self.ids, **step_c).qkv
        if receiver_at is None:
            return self.change(parts={part: arrived[part] for part in receivers})
        return self.change(parts=_Overwriting({part: arrived[part] for part in receivers}, receiver_at))


class Replaced(dict):
    """What heads put out instead, at some positions only; at the others they stay what the run makes of them.

    (layer, head) -> (position d_head, positions)."""

    def get(self, key, own=None):
        if key not in self:
            return own
        values, positions = self[key]
        rows = own.clone()
        for position in positions:
            rows[position] = values[position].double()
        return rows


def template_means(loops, reference, template):
    """(layer, head) -> the mean output over the reference prompts of one template, position by position."""
    rows = [row for row in range(len(reference)) if int(reference.template[row]) == template]
    runs = [loops.forward(reference.tokens[row, : int(reference.length[row])]) for row in rows]
    return {key: sum(run.z[key] for run in runs) / len(runs) for key in runs[0].z}


def lead(loops, prompts, number, replaced):
    """The lead of one prompt under these replacements."""
    logits = loops.forward(prompts.tokens[number, : int(prompts.length[number])], replaced=replaced).logits[
        -1
    ]
    return float(logits[prompts.answers["io"][number]] - logits[prompts.answers["s"][number]])


def circuit_leads(loops, prompts, means, number, kept, removed):
    """F(C) with the nodes `kept`, and F(M) without the nodes `removed`, of one prompt."""
    length, spots = int(prompts.length[number]), {name: int(at[number]) for name, at in prompts.spots.items()}
    heads = [(layer, head) for layer in range(loops.layers) for head in range(loops.heads)]
    stays = {key: {spots[n.spot] for n in kept if (n.head.layer, n.head.head) == key} for key in heads}
    goes = {key: {spots[n.spot] for n in removed if (n.head.layer, n.head.head) == key} for key in heads}
    alone = Replaced({key: (means[key], set(range(length)) - stays[key]) for key in heads})
    without = Replaced({key: (means[key], goes[key]) for key in heads})
    return lead(loops, prompts, number, alone), lead(loops, prompts, number, without)


def _added(x, vector, position):
    rows = x.clone()
    rows[position] += vector
    return rows


class _Overwriting(dict):
    """Parts overwritten at one position; at the others they stay what the run makes of them."""

    def __init__(self, parts, position):
        super().__init__(parts)
        self.position = position

    def get(self, key, own=None):
        if key not in self:
            return own
        rows = own.clone()
        rows[self.position] = self[key][self.position]
        return rows


def gap(measured, expected):
    """The largest difference between a Result's values and those of a loop."""
    return (torch.as_tensor(measured) - torch.as_tensor(expected)).abs().max().item()
