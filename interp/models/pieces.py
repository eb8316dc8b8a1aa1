"""What one token says: GPT-2 cuts text into bytes, so a token may hold only a part of a character."""

from typing import Any

_PLAIN = [*range(33, 127), *range(161, 173), *range(174, 256)]
_OTHERS = [byte for byte in range(256) if byte not in _PLAIN]
# The letter under which a byte-level tokenizer keeps each byte
_BYTES = {chr(byte): byte for byte in _PLAIN} | {chr(256 + i): byte for i, byte in enumerate(_OTHERS)}


def token_string(tokenizer: Any, token: int) -> str:
    """The text of a token; bytes that are no whole character are written as bytes: `\\xe2\\x80`."""
    text = tokenizer.decode([token], clean_up_tokenization_spaces=False)
    if text and "\ufffd" not in text:
        return text
    name = tokenizer.convert_ids_to_tokens(token)
    if name is None:  # a row of the table beyond the tokenizer's words
        return f"[{token}]"
    if any(letter not in _BYTES for letter in name):  # another kind of tokenizer
        return name
    return bytes(_BYTES[letter] for letter in name).decode("utf-8", "backslashreplace")
