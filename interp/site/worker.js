// The worker's side: opens one pack, then answers questions in the order in which they come.

let ask = null;

onmessage = ({ data: { number, open, question } }) => {
  try {
    if (open) {
      const model = unpack(open.text, open.sha256);
      ask = bench(model);
      const { name, weights_sha256, layers, heads, examples, groups, parameters, seen } = model;
      const words = seen && new Set([...seen].map((word) => word.trim()).filter((word) => /\p{L}/u.test(word))).size;
      postMessage({ number, answer: { name, weights_sha256, layers, heads, examples, groups, parameters, words } });
    } else postMessage({ number, answer: ask(question) });
  } catch (error) {
    postMessage({ number, failed: error.message });
  }
};
