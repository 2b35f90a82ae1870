// Predictions without an interface: `const model = await load(url); const [writer] = await model.predict([text])`.
// The types are in index.d.ts; the messages are those of web/src/protocol.rs.
import { fetchGpu } from "./fetch_gpu.js";

const BACKENDS = ["auto", "cpu", "webgpu"];
const FREED = "this model has been freed";

/** The model that lies beside this module. */
const MODEL = () => new URL("./models/en.safetensors", import.meta.url);
const DICTIONARY = () => new URL("./dictionary/zh.txt.gz", import.meta.url);

/** The worker that all models share; none while there is no model. */
let engine = null;

/** The models by what they were loaded of. */
const shared = new Map();

export async function load(source = MODEL(), options = {}) {
  const { backend = "auto", dictionary = DICTIONARY(), onprogress, signal } = options;
  signal?.throwIfAborted();
  if (!BACKENDS.includes(backend)) throw new TypeError(`there is no backend ${backend}: take ${BACKENDS.join(", ")}`);
  const address = typeof source === "string" || source instanceof URL ? absolute(source) : null;
  const settings = { choice: backend, dictionary: absolute(dictionary) };
  const key = address && JSON.stringify([address, settings]);
  let entry = shared.get(key);
  // A worker that has crashed took its models with it.
  if (!entry || entry.engine !== engine) {
    entry = new Entry(key, address ?? source, settings);
    if (key) shared.set(key, entry);
  }
  entry.users += 1;
  if (onprogress) entry.listeners.add(onprogress);
  try {
    await orAborted(entry.ready, signal);
  } catch (error) {
    entry.release();
    throw error;
  } finally {
    entry.listeners.delete(onprogress);
  }
  return new Model(entry);
}

/** A loaded model. */
class Model {
  #entry;

  constructor(entry) {
    this.#entry = entry;
  }

  get card() {
    return this.#used().description.card;
  }

  get attributes() {
    return this.#used().description.attributes;
  }

  get backend() {
    return this.#used().description.backend;
  }

  async predict(texts, { signal, onprogress } = {}) {
    const entry = this.#used();
    // A text alone would be taken for a list of letters.
    if (typeof texts === "string" || !texts?.[Symbol.iterator]) throw new TypeError("predict takes a list of texts");
    const users = Array.from(texts, posts);
    const lengths = users.map((user) => user.reduce((sum, post) => sum + characters(post), 0));
    let left = lengths.reduce((sum, length) => sum + length, 0);
    const predictions = [];
    while (predictions.length < users.length) {
      signal?.throwIfAborted();
      // The worker says how much to ask for at a time (ChunkSize of web/src/protocol.rs).
      const { chunk } = entry.description;
      const start = predictions.length;
      let end = start;
      let length = 0;
      while (end < users.length && end - start < chunk.users && length < chunk.characters) {
        length += lengths[end];
        end += 1;
      }
      left -= length;
      const request = { model: entry.number, users: users.slice(start, end), ahead: left };
      const answer = await orAborted(entry.engine.ask("predict", request), signal);
      predictions.push(...answer.predictions);
      entry.description.backend = answer.backend;
      entry.description.chunk = answer.chunk;
      onprogress?.(predictions.length, users.length);
    }
    return predictions;
  }

  async explain(text, { signal } = {}) {
    const entry = this.#used();
    signal?.throwIfAborted();
    const request = { model: entry.number, posts: posts(text) };
    const { explanation } = await orAborted(entry.engine.ask("explain", request), signal);
    return { ...explanation, words: inUnits(explanation.words, request.posts) };
  }

  async segment(text, { signal } = {}) {
    const entry = this.#used();
    signal?.throwIfAborted();
    const request = { model: entry.number, posts: posts(text) };
    const { words } = await orAborted(entry.engine.ask("segment", request), signal);
    return words;
  }

  free() {
    this.#entry?.release();
    this.#entry = null;
  }

  #used() {
    if (!this.#entry) throw new Error(FREED);
    return this.#entry;
  }
}

/** A model in the worker, for all who have loaded it. */
class Entry {
  users = 0;
  listeners = new Set();

  constructor(key, source, settings) {
    this.key = key;
    engine ??= new Engine();
    this.engine = engine;
    this.number = this.engine.newModel();
    this.ready = this.#load(source, settings);
    // Whoever waits is told; nobody has to.
    this.ready.catch(() => this.forget());
  }

  async #load(source, settings) {
    const bytes = await bytesOf(source);
    const request = { model: this.number, bundle: bytes ? null : source, cpu_because: null, ...settings };
    this.description = await this.engine.load(request, bytes, (progress) => {
      for (const listener of this.listeners) listener(progress);
    });
  }

  release() {
    this.users -= 1;
    if (this.users > 0) return;
    this.forget();
    this.engine.unload(this.number);
  }

  forget() {
    if (shared.get(this.key) === this) shared.delete(this.key);
  }
}

/** The line to the worker. */
class Engine {
  #numbers = 0;
  #models = new Set();
  /** What waits for an answer, by what the answer will be known by: to a load, the model's number. */
  #waiting = new Map();
  #port;

  constructor() {
    this.started = new Promise((resolve, reject) => {
      this.#waiting.set("start", { resolve, reject });
    });
    this.started.catch(() => {});
    this.#start();
  }

  async #start() {
    try {
      this.#port = await open((text) => this.#receive(JSON.parse(text)), (message) => this.#fail(message));
    } catch (error) {
      this.#fail(error?.message ?? String(error));
    }
  }

  nextNumber() {
    this.#numbers += 1;
    return this.#numbers;
  }

  /** The number of a model that is not loaded yet. */
  newModel() {
    const number = this.nextNumber();
    this.#models.add(number);
    return number;
  }

  async load(request, bytes, onprogress) {
    await this.started;
    if (!this.#models.has(request.model)) throw new Error(FREED);
    if (bytes) this.#port.postMessage(bytes);
    return this.#send("load", request, `model ${request.model}`, onprogress);
  }

  async ask(kind, request) {
    const id = this.nextNumber();
    await this.started;
    return this.#send(kind, { id, ...request }, id);
  }

  unload(model) {
    this.#models.delete(model);
    this.#settle(`model ${model}`, (waiting) => waiting.reject(new Error(FREED)));
    if (this.#models.size === 0 && this.#port?.terminate) {
      // The last one: the memory of a program is given back only as a whole. Not in Node, where it serves the next one.
      this.#fail(FREED);
    } else {
      this.#port?.postMessage(JSON.stringify({ unload: { model } }));
    }
  }

  #send(kind, request, key, onprogress) {
    return new Promise((resolve, reject) => {
      if (engine !== this) {
        reject(new Error("the worker has ended; load the model again"));
        return;
      }
      this.#waiting.set(key, { resolve, reject, onprogress });
      this.#port.ref?.();
      this.#port.postMessage(JSON.stringify({ [kind]: request }));
    });
  }

  #receive(reply) {
    const [kind, value] = typeof reply === "string" ? [reply, {}] : Object.entries(reply)[0];
    if (kind === "started") this.#settle("start", (waiting) => waiting.resolve());
    else if (kind === "progress") this.#waiting.get(`model ${value.model}`)?.onprogress?.(value);
    else if (kind === "ready") this.#settle(`model ${value.model}`, (waiting) => waiting.resolve(value));
    else if (kind === "failed") {
      const key = value.id ?? `model ${value.model}`;
      this.#settle(key, (waiting) => waiting.reject(new Error(value.message)));
    } else if (kind === "crashed") this.#fail(value.message);
    else this.#settle(value.id, (waiting) => waiting.resolve(value));
  }

  #settle(key, how) {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (waiting) how(waiting);
    // Node may end when nothing is waited for.
    if (this.#waiting.size === 0) this.#port?.unref?.();
  }

  /** The worker is of no more use: the next load starts another. */
  #fail(message) {
    if (engine === this) engine = null;
    for (const key of [...this.#waiting.keys()]) {
      this.#settle(key, (waiting) => waiting.reject(new Error(message)));
    }
    const port = this.#port;
    port?.terminate?.();
    port?.close?.();
  }
}

/** Something that takes messages: a worker, or where there are none (Node), a port to this thread. */
async function open(receive, fail) {
  if (typeof Worker === "undefined") return openHere(receive);
  const worker = startWorker();
  worker.onmessage = ({ data }) => receive(data);
  worker.onerror = ({ message }) => fail(message || "its program could not be fetched");
  return worker;
}

function startWorker() {
  const here = import.meta.url;
  // Not written out, or bundlers would take the script for a picture and put it here.
  const script = new URL("./start_worker.js", here);
  if (script.origin === location.origin || script.protocol === "blob:") {
    // Written out, so that bundlers see it.
    return new Worker(new URL("./start_worker.js", import.meta.url), { type: "module" });
  }
  // A page may not start another site's script as a worker, but its own may import it.
  const lines = new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" });
  return new Worker(URL.createObjectURL(lines), { type: "module" });
}

async function openHere(receive) {
  const { default: start, serve } = await import("./worker.js");
  const program = new URL("./worker_bg.wasm", import.meta.url);
  await start({ module_or_path: (await fileBytes(program)) ?? program });
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => receive(data);
  serve(port2, fetchGpu);
  port2.unref?.();
  return port1;
}

/** The bytes that a model is made of, where it is not fetched by the worker. */
async function bytesOf(source) {
  if (typeof source === "string") return fileBytes(new URL(source));
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Uint8Array) return source;
  throw new TypeError("a model is loaded from an address, a Blob, an ArrayBuffer or a Uint8Array");
}

/** The bytes of a file, in Node, whose `fetch` knows no files; else null. */
async function fileBytes(url) {
  if (url.protocol !== "file:") return null;
  const files = globalThis.process?.getBuiltinModule?.("node:fs/promises");
  if (!files) throw new Error(`files cannot be read here: ${url.href}`);
  return new Uint8Array(await files.readFile(url));
}

/** An address as seen from the page, or in Node from the working folder. */
function absolute(address) {
  const { document, location, process } = globalThis;
  const base = document?.baseURI ?? location?.href ?? process?.getBuiltinModule("node:url").pathToFileURL("./").href;
  if (!URL.canParse(address, base)) throw new TypeError(`this is no address: ${address}`);
  return new URL(address, base).href;
}

/** A user's posts: a text's lines, or a list as it is. */
function posts(text) {
  if (typeof text === "string") return text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  if (Array.isArray(text) && text.every((post) => typeof post === "string")) return text;
  throw new TypeError("a text is a string with a post a line, or a list of posts");
}

/** The length of a post in characters. JavaScript's own length counts some of them twice. */
function characters(post) {
  let count = 0;
  for (const _ of post) count += 1;
  return count;
}

/** Words with their places in units of JavaScript's strings; the worker counts bytes of UTF-8. */
function inUnits(words, posts) {
  const units = posts.map((post) => {
    const unitAt = new Map();
    let [bytes, unit] = [0, 0];
    for (const character of post) {
      unitAt.set(bytes, unit);
      const code = character.codePointAt(0);
      bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      unit += character.length;
    }
    return unitAt.set(bytes, unit);
  });
  return words.map((word) => ({ ...word, start: units[word.post].get(word.start), end: units[word.post].get(word.end) }));
}

/** What a promise comes to, unless the signal is quicker. */
function orAborted(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
