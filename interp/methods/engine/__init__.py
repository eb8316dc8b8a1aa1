"""The fast engine: GPT-2 as plain tensors, for sweeps of many small changes.

The second room that executes a model; it must equal `hooks.run`. Four savings: what comes before a change
is kept from one base run; what comes after is computed for many variants in one product; the last block is
computed at the end only; and of the vocabulary only what the metric reads. It reads the weights of a
loaded model and leaves the model itself alone.

`weights` and `linear` hold the model, `block` its arithmetic, `base` the run that all is compared with,
`suffix` the rest of a run after a change, `ends` the metric, `sweep` the frame; `states`, `heads`, `sets`,
`paths` and `toggles` are one idea each.
"""
