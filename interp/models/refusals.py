"""The one error of this room."""


class ModelNotFound(ValueError):
    """The source cannot be loaded; the message says why and names the three ways out."""

    def __init__(self, source: str, reason: str):
        super().__init__(
            f"The model {source!r} cannot be loaded: {reason} There are three ways out: load('pocket') takes"
            " the small model that ships with this project; load('path/to/folder') takes a folder in Hugging"
            " Face form (config.json, model.safetensors, tokenizer) that holds a GPT-2; load('gpt2') with"
            " an internet connection fetches GPT-2 once."
        )
