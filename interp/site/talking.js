// The page's side: one worker for each model, made when its first figure comes into view. A page opened from disk may
// fetch nothing, so a pack is a classic script, and the worker is made from the text of its own.

const PATIENCE = 120; // milliseconds between the last letter typed and the question
const trusted = globalThis.trustedTypes?.createPolicy("interp", { createScriptURL: (url) => url }) ?? { createScriptURL: (url) => url };
const awake = new Map();

function script(file) {
  return new Promise((done, failed) => {
    const element = document.createElement("script");
    element.addEventListener("load", done);
    element.addEventListener("error", () => failed(new Error(`The model's file ${file} is not beside this page: copy the whole folder, or write it again with make reproduce.`)));
    element.src = trusted.createScriptURL(file);
    document.head.append(element);
  });
}

function missing() {
  const needed = { Worker: globalThis.Worker, Blob: globalThis.Blob, TextDecoder: globalThis.TextDecoder, "Array.at": Array.prototype.at };
  return Object.keys(needed).filter((name) => !needed[name]);
}

function workerOf(text) {
  try {
    return new Worker(trusted.createScriptURL(URL.createObjectURL(new Blob([text], { type: "text/javascript" }))));
  } catch (error) {
    throw new Error(`This browser does not let the page run a model (${error.message}), so the picture stays as it is: open the page in another one.`);
  }
}

// A model that answers: `about` says what it is, `ask(question)` promises the answer.
function modelOf({ name, file, sha256 }) {
  if (!awake.has(name)) awake.set(name, opened({ name, file, sha256 }));
  return awake.get(name);
}

async function opened({ name, file, sha256 }) {
  const lacking = missing();
  if (lacking.length) throw new Error(`This browser lacks ${lacking.join(", ")}, which the model needs, so the picture stays as it is: open the page in a newer one.`);
  if (!globalThis.interpPacks?.[name]) await script(file);
  const text = globalThis.interpPacks?.[name];
  if (!text) throw new Error(`The file ${file} does not hold the model ${name}: write the pages again with make reproduce.`);
  const worker = workerOf(ENGINE);
  const waiting = new Map();
  let number = 0;
  worker.onmessage = ({ data }) => {
    const { done, failed } = waiting.get(data.number);
    waiting.delete(data.number);
    if (data.failed === undefined) done(data.answer); else failed(new Error(data.failed));
  };
  worker.onerror = ({ message }) => { for (const { failed } of waiting.values()) failed(new Error(`The model stopped (${message ?? "the browser does not say why"}): reload the page.`)); };
  const send = (message) => new Promise((done, failed) => { waiting.set(++number, { done, failed }); worker.postMessage({ number, ...message }); });
  const about = await send({ open: { text, sha256 } });
  delete globalThis.interpPacks[name]; // the worker has it now
  return { about, ask: (question) => send({ question }) };
}

// Questions of one figure: one is under way at a time, and of those that come meanwhile only the latest is asked.
function asking(model, compose, show) {
  let underWay = false, again = false, timer = null;
  async function send() {
    if (underWay) { again = true; return; }
    underWay = true;
    const question = compose(), answer = await model.ask(question).catch((error) => ({ error: { control: "prompt", text: error.message } }));
    underWay = false;
    if (again) { again = false; send(); } else show(answer, question);
  }
  return (pause = 0) => { clearTimeout(timer); if (pause) timer = setTimeout(send, pause); else send(); };
}
