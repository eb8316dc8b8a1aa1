// What the pages ask the model, and the answers: plain values, no screen. Runs in the worker.

const MOST = 10, GUESSES = 5, KEPT = 4, WAYS_OF = { zero: ZERO, mean: MEAN };

function bench(model) {
  model.seen = model.seen && new Set(model.seen);
  model.names = new Set(model.names);
  const tokens = tokenizer(model), { layers, heads } = model;
  const allOn = new Uint8Array(layers * heads), kept = new Map(); // text -> the run with all heads on, and the latest

  function sentence(prompt) {
    const { text, ids } = written(tokens, prompt, model.context);
    if (!kept.has(text)) {
      if (kept.size >= KEPT) kept.delete(kept.keys().next().value);
      const base = run(model, ids, allOn);
      kept.set(text, { base, latest: base, words: readWords(model, tokens, text) });
    }
    return { text, ids, at: kept.get(text) };
  }

  function ways(names, how) {
    const off = allOn.slice();
    for (const name of names) {
      const read = /^L(\d+)H(\d+)$/.exec(name);
      if (!read || read[1] >= layers || read[2] >= heads) {
        throw new Trouble("heads", `${name} is not in ${model.name}: its layers are 0 to ${layers - 1}, its heads 0 to ${heads - 1}.`);
      }
      off[read[1] * heads + Number(read[2])] = WAYS_OF[how];
    }
    return off;
  }

  function both(prompt, names, how) {
    const { text, ids, at } = sentence(prompt), off = ways(names, how);
    at.latest = run(model, ids, off, [at.base, at.latest]);
    return { text, ids, words: at.words, runs: [at.base, at.latest] };
  }

  const atEnd = ({ states, ids }, layer = layers) => logits(model, states[layer], ids.length - 1);

  function likeliest(shares, most = MOST) {
    const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a] || a - b).slice(0, most);
    return order.map((id) => [tokens.string(id), shares[id]]);
  }

  function lab({ prompt, answer, against, heads: off = [], how = "mean" }) {
    const pair = askedPair(tokens, answer, against), { text, ids, words, runs } = both(prompt, off, how);
    const read = runs.map((one) => atEnd(one)), shares = read.map(chances);
    return {
      number: ids.length, words, asked: pair, cautions: beforeFinding(model, tokens, text, pair, shares[0]),
      effects: headEffects(model, runs[0], pair[0].token, pair[1].token),
      difference: read.map((values) => values[pair[0].token] - values[pair[1].token]),
      chances: pair.map(({ token }) => shares.map((one) => one[token])),
      likeliest: shares.map((one) => likeliest(one)), started: runs[1].started,
    };
  }

  function lens({ prompt, answer, heads: off = [], how = "mean" }) {
    const followed = asked(tokens, answer, "answer", "The answer"), { text, ids, words, runs } = both(prompt, off, how);
    const traces = runs.map((one) => Array.from({ length: layers }, (_, layer) => {
      const values = atEnd(one, layer + 1), shares = chances(values), own = values[followed.token];
      return { rank: 1 + values.reduce((more, value) => more + (value > own), 0), share: shares[followed.token], guesses: likeliest(shares, GUESSES) };
    }));
    return {
      number: ids.length, words, asked: [followed], traces,
      cautions: [...neverSeen(model, tokens, [text, followed.text]), ...absentNames(model, tokens, text, [followed], null)],
    };
  }

  function attention({ prompt, heads: off = [], how = "mean" }) {
    const { text, ids, words, runs } = both(prompt, off, how);
    return { number: ids.length, words, tokens: ids.map(tokens.string), patterns: runs[1].seen.map(({ patterns }) => patterns), cautions: neverSeen(model, tokens, [text]) };
  }

  const views = { lab, lens, attention };
  return (question) => {
    try {
      return { ...views[question.view](question), error: null };
    } catch (error) {
      if (error instanceof Trouble) return { error: { control: error.control, text: error.message } };
      throw error;
    }
  };
}
