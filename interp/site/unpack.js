// A pack: the model's numbers in half precision as base64, its tokens and texts as JSON, bound by a SHA-256.

const HALVES = new Float32Array(65536);
for (let bits = 0; bits < 65536; bits++) {
  const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  HALVES[bits] = exponent === 0 ? sign * fraction * 2 ** -24 : exponent === 31 ? (fraction ? NaN : sign * Infinity) : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

// FIPS 180-4 over the letters of an ASCII text. The browser's own is missing on pages that come by plain http.
const ROUNDS = (() => {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const bits = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
  return { k: Int32Array.from(primes, (p) => bits(Math.cbrt(p))), h: primes.slice(0, 8).map((p) => bits(Math.sqrt(p))) };
})();

function sha256(text) {
  const length = text.length, blocks = (length + 72) >> 6, w = new Int32Array(64), sum = Int32Array.from(ROUNDS.h), k = ROUNDS.k;
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  const byte = (i) => (i < length ? text.charCodeAt(i) & 255 : i === length ? 128 : 0);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 16; i++) {
      const at = block * 64 + i * 4;
      w[i] = (byte(at) << 24) | (byte(at + 1) << 16) | (byte(at + 2) << 8) | byte(at + 3);
    }
    if (block === blocks - 1) { w[14] = Math.floor(length / 2 ** 29); w[15] = length << 3; }
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = sum;
    for (let i = 0; i < 64; i++) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { sum[i] += value; });
  }
  return Array.from(sum, (value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
}

// The model of a pack's text; throws if the text is not the one with this SHA-256.
function unpack(text, expected) {
  if (sha256(text) !== expected) {
    throw new Error("The model beside this page is not the one it was written with (its SHA-256 differs), so it stays asleep: write the pages again with make reproduce.");
  }
  const { weights, tensors, ...model } = JSON.parse(text);
  const raw = atob(weights), numbers = new Float32Array(raw.length / 2);
  for (let i = 0; i < numbers.length; i++) numbers[i] = HALVES[raw.charCodeAt(2 * i) | (raw.charCodeAt(2 * i + 1) << 8)];
  const w = {};
  for (const [name, [at, shape]] of Object.entries(tensors)) w[name] = numbers.subarray(at, at + shape.reduce((a, b) => a * b, 1));
  for (const name of Object.keys(w)) if (/\.(c_attn|c_proj|c_fc)\.weight$/.test(name)) w[name] = turned(w[name], tensors[name][1]);
  return { ...model, w };
}

// A product's weights as [out, in], so that its inner loop walks straight through them.
function turned(values, [rows, columns]) {
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j];
  return out;
}
