// GPT-2's tokenizer: a text cut into words, their bytes written as letters, the letters merged in the order learnt.

const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

const LETTERS = (() => {
  const plain = [...Array(256).keys()].filter((byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173));
  const letters = new Map(plain.map((byte) => [byte, String.fromCharCode(byte)]));
  for (let byte = 0, next = 256; byte < 256; byte++) if (!letters.has(byte)) letters.set(byte, String.fromCharCode(next++));
  return letters;
})();

function tokenizer({ vocabulary, merges, special }) {
  const ids = new Map(vocabulary.map((token, id) => [token, id]));
  const order = new Map(merges.map((pair, rank) => [pair, rank]));
  const bytes = new Map([...LETTERS].map(([byte, letter]) => [letter, byte]));
  const known = new Map();

  function merged(word) {
    let parts = Array.from(new TextEncoder().encode(word), (byte) => LETTERS.get(byte));
    for (;;) {
      let best = Infinity, at = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = order.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return parts.map((part) => ids.get(part));
      parts = [...parts.slice(0, at), parts[at] + parts[at + 1], ...parts.slice(at + 2)];
    }
  }

  function encodeWord(word) {
    if (!known.has(word)) known.set(word, merged(word));
    return known.get(word);
  }

  // The words of a text with their tokens; a special token is a word of its own.
  function words(text) {
    const found = [];
    text.split(special).forEach((part, i) => {
      if (i) found.push({ text: special, ids: [ids.get(special)] });
      for (const [word] of part.matchAll(WORDS)) found.push({ text: word, ids: encodeWord(word) });
    });
    return found;
  }

  function decode(list) {
    const text = list.map((id) => vocabulary[id]).join("");
    return new TextDecoder().decode(Uint8Array.from(text, (letter) => bytes.get(letter)));
  }

  // Whole characters as they are, other bytes as bytes: \xe2\x80.
  function spelled(token) {
    const list = Uint8Array.from(token, (letter) => bytes.get(letter)), strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    let told = "";
    for (let at = 0; at < list.length;) {
      const length = list[at] < 0x80 ? 1 : list[at] < 0xe0 ? 2 : list[at] < 0xf0 ? 3 : 4;
      try {
        told += strict.decode(list.slice(at, at + length));
        at += length;
      } catch {
        told += `\\x${list[at++].toString(16)}`;
      }
    }
    return told;
  }

  // What one token says.
  function string(id) {
    const token = vocabulary[id];
    if (token === special) return token;
    const text = decode([id]);
    return text.includes("\ufffd") ? spelled(token) : text;
  }

  return { words, string, decode, encode: (text) => words(text).flatMap((word) => word.ids) };
}
