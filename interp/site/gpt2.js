// GPT-2 in plain loops. Heads can be switched off; what lies before the first change is kept from an earlier run.

const ON = 0, ZERO = 1, MEAN = 2; // what a head puts out: its own, nothing, its average

function norm(x, n, d, gain, bias, eps) {
  const y = new Float32Array(n * d);
  for (let t = 0; t < n; t++) {
    const [mean, scale] = spread(x, t * d, d, eps);
    for (let i = 0, at = t * d; i < d; i++, at++) y[at] = (x[at] - mean) / scale * gain[i] + bias[i];
  }
  return y;
}

function spread(x, at, d, eps) {
  let mean = 0, square = 0;
  for (let i = 0; i < d; i++) mean += x[at + i];
  mean /= d;
  for (let i = 0; i < d; i++) square += (x[at + i] - mean) ** 2;
  return [mean, Math.sqrt(square / d + eps)];
}

// x [n, d] times w [m, d] plus bias: four rows and two columns at a time, which is what the registers hold. The last
// four rows may overlap with those before; m is even in every GPT-2 that has heads.
function linear(x, n, d, w, bias, m) {
  const y = new Float32Array(n * m);
  for (let next = 0; next < n && n >= 4; next += 4) {
    const t = Math.min(next, n - 4), x0 = t * d, x1 = x0 + d, x2 = x1 + d, x3 = x2 + d;
    for (let j = 0; j < m; j += 2) {
      let a = bias[j], b = a, c = a, e = a, f = bias[j + 1], g = f, h = f, k = f;
      for (let i = 0, one = j * d, two = one + d; i < d; i++, one++, two++) {
        const u = w[one], v = w[two], p = x[x0 + i], q = x[x1 + i], r = x[x2 + i], s = x[x3 + i];
        a += p * u; b += q * u; c += r * u; e += s * u;
        f += p * v; g += q * v; h += r * v; k += s * v;
      }
      const o = t * m + j;
      y[o] = a; y[o + m] = b; y[o + 2 * m] = c; y[o + 3 * m] = e;
      y[o + 1] = f; y[o + m + 1] = g; y[o + 2 * m + 1] = h; y[o + 3 * m + 1] = k;
    }
  }
  for (let t = 0; t < n && n < 4; t++) {
    for (let j = 0; j < m; j++) {
      let sum = bias[j];
      for (let i = 0; i < d; i++) sum += x[t * d + i] * w[j * d + i];
      y[t * m + j] = sum;
    }
  }
  return y;
}

function add(x, y) {
  const sum = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) sum[i] = x[i] + y[i];
  return sum;
}

// Where every head looks, and what it takes from there: patterns [head][query, key], z [position, head, d_head].
function attend(model, n, qkv) {
  const { heads, width: d } = model, size = d / heads, z = new Float32Array(n * d), patterns = [];
  for (let h = 0; h < heads; h++) {
    const pattern = new Float32Array(n * n);
    for (let q = 0; q < n; q++) {
      let top = -Infinity, sum = 0;
      for (let k = 0; k <= q; k++) {
        let score = 0;
        for (let i = 0, a = q * 3 * d + h * size, b = k * 3 * d + d + h * size; i < size; i++) score += qkv[a + i] * qkv[b + i];
        pattern[q * n + k] = score / Math.sqrt(size);
        top = Math.max(top, pattern[q * n + k]);
      }
      for (let k = 0; k <= q; k++) sum += pattern[q * n + k] = Math.exp(pattern[q * n + k] - top);
      for (let k = 0; k <= q; k++) {
        const share = pattern[q * n + k] /= sum;
        for (let i = 0, a = q * d + h * size, b = k * 3 * d + 2 * d + h * size; i < size; i++) z[a + i] += share * qkv[b + i];
      }
    }
    patterns.push(pattern);
  }
  return { z, patterns };
}

function gated(model, layer, n, z, off) {
  const { heads, width: d, w } = model, size = d / heads, out = z.slice();
  for (let h = 0; h < heads; h++) {
    const way = off[layer * heads + h], mean = (layer * heads + h) * size;
    if (way === ON) continue;
    for (let t = 0; t < n; t++) for (let i = 0; i < size; i++) out[t * d + h * size + i] = way === MEAN ? w.means[mean + i] : 0;
  }
  return out;
}

function gelu(x) { // "gelu_new": in place
  for (let i = 0; i < x.length; i++) {
    const v = x[i];
    x[i] = 0.5 * v * (1 + Math.tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
  }
  return x;
}

function looked(model, layer, n, x) {
  const { width: d, w, eps } = model, part = `h.${layer}.`;
  const read = norm(x, n, d, w[`${part}ln_1.weight`], w[`${part}ln_1.bias`], eps);
  return attend(model, n, linear(read, n, d, w[`${part}attn.c_attn.weight`], w[`${part}attn.c_attn.bias`], 3 * d));
}

function rest(model, layer, n, x, z) {
  const { width: d, w, eps } = model, part = `h.${layer}.`;
  const mid = add(x, linear(z, n, d, w[`${part}attn.c_proj.weight`], w[`${part}attn.c_proj.bias`], d));
  const read = norm(mid, n, d, w[`${part}ln_2.weight`], w[`${part}ln_2.bias`], eps);
  const bias = w[`${part}mlp.c_fc.bias`], inner = gelu(linear(read, n, d, w[`${part}mlp.c_fc.weight`], bias, bias.length));
  return add(mid, linear(inner, n, bias.length, w[`${part}mlp.c_proj.weight`], w[`${part}mlp.c_proj.bias`], d));
}

function embedded(model, ids) {
  const { width: d, w } = model, x = new Float32Array(ids.length * d);
  ids.forEach((id, t) => { for (let i = 0; i < d; i++) x[t * d + i] = w["wte.weight"][id * d + i] + w["wpe.weight"][t * d + i]; });
  return x;
}

// One run: `states[layer]` enters a block, the last one leaves the model; `seen[layer]` holds z and patterns.
// `off` has one way for every head. `earlier` are runs of the same ids, from which what is equal is taken.
function run(model, ids, off, earlier = []) {
  const n = ids.length, { layers, heads } = model;
  const first = (other) => { const at = off.findIndex((way, i) => way !== other.off[i]); return at < 0 ? layers : Math.floor(at / heads); };
  const base = earlier.reduce((best, other) => (best && first(best) >= first(other) ? best : other), null);
  const start = base ? first(base) : 0;
  const states = base ? base.states.slice(0, start + 1) : [embedded(model, ids)];
  const seen = base ? base.seen.slice(0, start + 1) : []; // a changed head still looks where it looked
  for (let layer = start; layer < layers; layer++) {
    seen[layer] ??= looked(model, layer, n, states[layer]);
    states.push(rest(model, layer, n, states[layer], gated(model, layer, n, seen[layer].z, off)));
  }
  return { ids, off, states, seen, started: start };
}

// The lens: what the model would say from this state at this position. The last state gives the model's logits.
function logits(model, state, position) {
  const { width: d, w, eps } = model, table = w["wte.weight"], out = new Float32Array(table.length / d);
  const read = norm(state.subarray(position * d, (position + 1) * d), 1, d, w["ln_f.weight"], w["ln_f.bias"], eps);
  for (let v = 0, at = 0; v < out.length; v++) {
    let sum = 0;
    for (let i = 0; i < d; i++, at++) sum += read[i] * table[at];
    out[v] = sum;
  }
  return out;
}

// What every head writes towards one token and away from another at the last word, directly, in nats: [layer][head].
function headEffects(model, { ids, states, seen }, answer, against) {
  const { layers, heads, width: d, w, eps } = model, size = d / heads, last = ids.length - 1;
  const [, scale] = spread(states[layers], last * d, d, eps), towards = new Float64Array(d);
  let mean = 0;
  for (let i = 0; i < d; i++) mean += towards[i] = w["ln_f.weight"][i] * (w["wte.weight"][answer * d + i] - w["wte.weight"][against * d + i]);
  for (let i = 0; i < d; i++) towards[i] = (towards[i] - mean / d) / scale;
  return Array.from({ length: layers }, (_, layer) => Array.from({ length: heads }, (_, h) => {
    const out = w[`h.${layer}.attn.c_proj.weight`];
    let sum = 0;
    for (let j = 0; j < size; j++) {
      const put = seen[layer].z[last * d + h * size + j];
      for (let i = 0; i < d; i++) sum += put * out[i * d + h * size + j] * towards[i];
    }
    return sum;
  }));
}

function chances(values) {
  let top = -Infinity, sum = 0;
  for (const value of values) top = Math.max(top, value);
  const shares = Float64Array.from(values, (value) => { const share = Math.exp(value - top); sum += share; return share; });
  return shares.map((share) => share / sum);
}
