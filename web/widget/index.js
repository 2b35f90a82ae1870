// @ts-check
// Predictions without an interface: `const model = await load(url); const [prediction] = await model.predict([text])`.
// The types are in index.d.ts, those of the messages to and from the worker in protocol.d.ts.
import { ENGLISH, Failure } from "./locale.js";
import { fetchChinese, fetchGpu } from "./on_demand.js";

/**
 * @import { Attribute, Backend as WorkerBackend, BackendChoice, BaseRates, ChunkSize, Method, ModelCard, Named, PopulationEstimate, ReadWord, Reply, Request, UserPrediction } from "./protocol.js"
 * @import { Backend, Explanation, LoadOptions, Progress, Source, Text } from "./index.js"
 */

/** @typedef {{ choice: BackendChoice, dictionary: string }} Settings */

/**
 * What waits for a reply of the worker.
 * @typedef {{
 *   resolve: (reply?: any) => void,
 *   reject: (error: Error) => void,
 *   onprogress?: (progress: Progress) => void,
 * }} Waiting
 */

const BACKENDS = ["auto", "cpu", "webgpu"];
const METHODS = ["cc", "pcc", "acc", "pacc", "emq", "bayes"];
const FREED = "this model has been freed; load it again";

// Bundlers know whole expressions of the form `new URL("./file", import.meta.url)`. For any other `import.meta` they write the
// path of the file on the machine that builds.
/** The model beside this module. */
const MODEL = () => new URL("./models/en.safetensors", import.meta.url);
/** The dictionary beside this module. */
const DICTIONARY = () => new URL("./dictionary/zh.front-coded.gz", import.meta.url);
/** The worker's program beside this module. */
const PROGRAM = () => new URL("./worker_bg.wasm", import.meta.url);
/** The program beside this module that segments Chinese. */
const CHINESE = () => new URL("./chinese_bg.wasm", import.meta.url);

/**
 * The worker that all models share; null while there is no model.
 * @type {Engine | null}
 */
let engine = null;

/**
 * The models by address and settings.
 * @type {Map<string | null, Entry>}
 */
const shared = new Map();

/**
 * @param {Source} [source]
 * @param {LoadOptions} [options]
 */
export async function load(source = MODEL(), options = {}) {
  const { backend = "auto", dictionary = DICTIONARY(), onprogress, signal } = options;
  signal?.throwIfAborted();
  if (!BACKENDS.includes(backend)) throw new TypeError(`unknown backend ${backend}: use ${BACKENDS.join(", ")}`);
  const address = typeof source === "string" || source instanceof URL ? absolute(source) : null;
  const settings = { choice: backend, dictionary: absolute(dictionary) };
  const key = address && json([address, settings]);
  let entry = shared.get(key);
  // The models of a crashed worker are lost.
  if (!entry || entry.engine !== engine) {
    entry = new Entry(key, address ?? source, settings);
    if (key) shared.set(key, entry);
  }
  entry.users += 1;
  /** @type {(progress: Progress) => void} */
  let listener = () => {};
  // An error of the callback fails this call. In the worker's event it would end a program in Node.
  const failed = new Promise((_, reject) => {
    listener = (progress) => {
      try {
        onprogress?.(progress);
      } catch (error) {
        reject(error);
      }
    };
  });
  entry.listeners.add(listener);
  try {
    await orAborted(Promise.race([entry.ready, failed]), signal);
  } catch (error) {
    entry.release();
    throw error;
  } finally {
    entry.listeners.delete(listener);
  }
  return new Model(entry);
}

/** A loaded model. */
class Model {
  /** @type {Entry | null} */
  #entry;

  /** @param {Entry} entry */
  constructor(entry) {
    this.#entry = entry;
  }

  get card() {
    return this.#used().description.card;
  }

  get attributes() {
    return this.#used().description.attributes;
  }

  get baseRates() {
    return this.#used().description.base_rates;
  }

  get maxWords() {
    return this.#used().description.max_words;
  }

  /** @returns {Backend} */
  get backend() {
    const { backend } = this.#used().description;
    if (!("cpu" in backend)) return backend;
    const { because } = backend.cpu;
    return { cpu: { because: because && ENGLISH.reason(because) } };
  }

  /**
   * @param {Iterable<Text>} texts
   * @param {{ baseRates?: BaseRates, signal?: AbortSignal, onprogress?: (done: number, total: number) => void }} [options]
   * @returns {Promise<UserPrediction[]>}
   */
  async predict(texts, { baseRates = "equal", signal, onprogress } = {}) {
    const entry = this.#used();
    const base_rates = readable(baseRates);
    return this.#predict(entry, listed(texts, "predict"), { base_rates, set: null, signal, onprogress });
  }

  /**
   * @param {Iterable<Text>} texts
   * @param {{ method?: Method, signal?: AbortSignal, onprogress?: (done: number, total: number) => void }} [options]
   * @returns {Promise<PopulationEstimate>}
   */
  async population(texts, { method = "bayes", signal, onprogress } = {}) {
    const entry = this.#used();
    if (!METHODS.includes(method)) throw new TypeError(`unknown method ${method}: use ${METHODS.join(", ")}`);
    const users = listed(texts, "population");
    // A model keeps one set of users, so sets take turns.
    const estimate = entry.sets.then(async () => {
      const set = entry.engine.nextNumber();
      await this.#predict(entry, users, { base_rates: "equal", set, signal, onprogress });
      const request = { model: entry.number, set, method };
      return entry.engine.ask((id) => ({ estimate: { id, ...request } }));
    });
    entry.sets = estimate.catch(() => {});
    const answer = await orAborted(estimate, signal);
    return answer.estimate;
  }

  /**
   * Predicts users in chunks.
   * @param {Entry} entry
   * @param {string[][]} users
   * @param {{ base_rates: BaseRates, set: number | null, signal?: AbortSignal, onprogress?: (done: number, total: number) => void }} options
   * @returns {Promise<UserPrediction[]>}
   */
  async #predict(entry, users, { base_rates, set, signal, onprogress }) {
    const lengths = users.map((user) => user.reduce((sum, post) => sum + characters(post), 0));
    let left = lengths.reduce((sum, length) => sum + length, 0);
    /** @type {UserPrediction[]} */
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
      const request = { model: entry.number, users: users.slice(start, end), ahead: left, base_rates, set };
      const answer = await orAborted(entry.engine.ask((id) => ({ predict: { id, ...request } })), signal);
      predictions.push(...answer.predictions);
      entry.description.backend = answer.backend;
      entry.description.chunk = answer.chunk;
      onprogress?.(predictions.length, users.length);
    }
    return predictions;
  }

  /**
   * @param {Text} text
   * @param {{ baseRates?: BaseRates, signal?: AbortSignal }} [options]
   * @returns {Promise<Explanation>}
   */
  async explain(text, { baseRates = "equal", signal } = {}) {
    const entry = this.#used();
    const base_rates = readable(baseRates);
    signal?.throwIfAborted();
    const request = { model: entry.number, posts: posts(text), base_rates };
    const { explanation } = await orAborted(entry.engine.ask((id) => ({ explain: { id, ...request } })), signal);
    return { ...explanation, words: inUnits(explanation.words, request.posts) };
  }

  /**
   * @param {Text} text
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<string[][]>}
   */
  async segment(text, { signal } = {}) {
    const entry = this.#used();
    signal?.throwIfAborted();
    const request = { model: entry.number, posts: posts(text) };
    const { words } = await orAborted(entry.engine.ask((id) => ({ segment: { id, ...request } })), signal);
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

/** A model in the worker, shared by all who have loaded it. */
class Entry {
  users = 0;
  /** @type {Set<(progress: Progress) => void>} */
  listeners = new Set();
  /**
   * Settles when no set of users is being read.
   * @type {Promise<unknown>}
   */
  sets = Promise.resolve();
  /**
   * Its card, attributes, base rates, number of words that it reads, backend and the size of the next request, once it is loaded.
   * @type {{ card: ModelCard, attributes: Attribute[], base_rates: Named<Named<number>>, max_words: number, backend: WorkerBackend, chunk: ChunkSize }}
   */
  description;

  /**
   * @param {string | null} key
   * @param {Source} source
   * @param {Settings} settings
   */
  constructor(key, source, settings) {
    this.key = key;
    engine ??= new Engine();
    this.engine = engine;
    this.number = this.engine.newModel();
    this.ready = this.#load(source, settings);
    // Callers of `load` get the error. This handler keeps it from being reported as uncaught.
    this.ready.catch(() => this.forget());
  }

  /**
   * @param {Source} source
   * @param {Settings} settings
   */
  async #load(source, settings) {
    const bytes = await bytesOf(source);
    const bundle = typeof source === "string" ? source : null;
    const request = { load: { model: this.number, bundle, cpu_because: null, ...settings } };
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

/** The connection to the worker. */
class Engine {
  #numbers = 0;
  #models = new Set();
  /**
   * Promises that wait for a reply: by the number of the request, or `model N` while a model is loaded.
   * @type {Map<string | number, Waiting>}
   */
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
      this.#port = await open((text) => this.#receive(text), (error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  nextNumber() {
    this.#numbers += 1;
    return this.#numbers;
  }

  /** A number for a model that is about to be loaded. */
  newModel() {
    const number = this.nextNumber();
    this.#models.add(number);
    return number;
  }

  /**
   * @param {Extract<Request, { load: unknown }>} request
   * @param {Uint8Array | null} bytes The bundle, if the worker is not to fetch it.
   * @param {(progress: Progress) => void} onprogress
   */
  async load(request, bytes, onprogress) {
    const { model } = request.load;
    await this.started;
    if (!this.#models.has(model)) throw new Error(FREED);
    if (bytes) this.#port.postMessage(bytes);
    return this.#send(request, `model ${model}`, onprogress);
  }

  /** @param {(id: number) => Request} request The request with this number. */
  async ask(request) {
    const id = this.nextNumber();
    await this.started;
    return this.#send(request(id), id);
  }

  unload(model) {
    this.#models.delete(model);
    this.#settle(`model ${model}`, (waiting) => waiting.reject(new Error(FREED)));
    if (this.#models.size === 0 && this.#port?.terminate) {
      // A program frees its memory only when it ends. In Node the program stays for the next model.
      this.#fail(new Error(FREED));
    } else {
      /** @type {Request} */
      const request = { unload: { model } };
      this.#port?.postMessage(json(request));
    }
  }

  /**
   * @param {Request} request
   * @param {string | number} key
   * @param {(progress: Progress) => void} [onprogress]
   * @returns {Promise<any>} The content of the reply.
   */
  #send(request, key, onprogress) {
    return new Promise((resolve, reject) => {
      if (engine !== this) {
        reject(new Failure("worker_ended"));
        return;
      }
      // Before anything waits for the reply: a string cannot have more than half a gigabyte.
      const message = json(request);
      this.#waiting.set(key, { resolve, reject, onprogress });
      this.#port.ref?.();
      try {
        this.#port.postMessage(message);
      } catch (error) {
        this.#settle(key, (waiting) => waiting.reject(error));
      }
    });
  }

  /** @param {string} text A reply as JSON. */
  #receive(text) {
    try {
      this.#take(JSON.parse(text));
    } catch (error) {
      // Old scripts of the page may have changed what this relies on. Without an answer, everyone would wait for ever.
      this.#fail(error);
    }
  }

  /** @param {Reply} reply */
  #take(reply) {
    if (reply === "started") this.#settle("start", (waiting) => waiting.resolve());
    else if ("progress" in reply) this.#waiting.get(`model ${reply.progress.model}`)?.onprogress?.(reply.progress);
    else if ("ready" in reply) this.#settle(`model ${reply.ready.model}`, (waiting) => waiting.resolve(reply.ready));
    else if ("failed" in reply) {
      const { id, model, reason } = reply.failed;
      this.#settle(id ?? `model ${model}`, (waiting) => waiting.reject(new Failure(reason)));
    } else if ("crashed" in reply) this.#fail(new Failure(reply.crashed.reason));
    else {
      const [answer] = Object.values(reply);
      this.#settle(answer.id, (waiting) => waiting.resolve(answer));
    }
  }

  /**
   * @param {string | number} key
   * @param {(waiting: Waiting) => void} how
   */
  #settle(key, how) {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (waiting) how(waiting);
    // Lets Node exit while nothing is pending.
    if (this.#waiting.size === 0) this.#port?.unref?.();
  }

  /**
   * Ends the worker. The next load starts another one.
   * @param {Error} error
   */
  #fail(error) {
    if (engine === this) engine = null;
    for (const key of [...this.#waiting.keys()]) {
      this.#settle(key, (waiting) => waiting.reject(error));
    }
    const port = this.#port;
    port?.terminate?.();
    port?.close?.();
  }
}

/** Starts the program in a worker, or in this thread where there are no workers (Node). */
async function open(receive, fail) {
  if (typeof Worker === "undefined") return openHere(receive);
  const worker = startWorker();
  worker.onmessage = ({ data }) => receive(data);
  worker.onerror = ({ message }) => fail(new Failure(message ? { crashed: message } : "no_worker"));
  return worker;
}

function startWorker() {
  const program = PROGRAM();
  // Bundlers rename the program and start the worker themselves.
  if (program.pathname.endsWith("/worker_bg.wasm") && program.protocol.startsWith("http") && program.origin !== origin) {
    // A worker's script must come from the page's own site, but may import scripts of others.
    const script = new URL("./start_worker.js", program);
    const lines = new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" });
    return new Worker(URL.createObjectURL(lines), { type: "module" });
  }
  return new Worker(new URL("./start_worker.js", import.meta.url), { type: "module" });
}

async function openHere(receive) {
  const { default: start, serve } = await import("./worker.js");
  const program = PROGRAM();
  await start({ module_or_path: (await fileBytes(program)) ?? program });
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => receive(data);
  serve(port2, fetchGpu, fetchChineseHere, fetchHere);
  /** @type {any} */ (port2).unref?.();
  return port1;
}

async function fetchChineseHere() {
  return fetchChinese((await fileBytes(CHINESE())) ?? undefined);
}

/**
 * The bytes of a bundle; null if it is an address, which the worker's program fetches.
 * @param {Source} source
 */
async function bytesOf(source) {
  if (typeof source === "string") return null;
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Uint8Array) return source;
  throw new TypeError("load expects an address, a Blob, an ArrayBuffer or a Uint8Array");
}

/** The global `fetch`, which also reads files. */
async function fetchHere(address) {
  const bytes = await fileBytes(new URL(address));
  return bytes ? new Response(bytes, { headers: { "content-length": String(bytes.length) } }) : fetch(address);
}

/** The bytes of a `file:` address in Node, whose `fetch` cannot read files; null for other addresses. */
async function fileBytes(url) {
  if (url.protocol !== "file:") return null;
  const files = /** @type {any} */ (globalThis).process?.getBuiltinModule?.("node:fs/promises");
  if (!files) throw new Error(`this environment cannot read files: ${url.href}`);
  return new Uint8Array(await files.readFile(url));
}

/** The absolute form of an address, relative to the page or, in Node, to the working folder. */
function absolute(address) {
  const { document, location, process } = /** @type {any} */ (globalThis);
  const base = document?.baseURI ?? location?.href ?? process?.getBuiltinModule("node:url").pathToFileURL("./").href;
  if (!URL.canParse(address, base)) throw new TypeError(`not a valid address: ${address}`);
  return new URL(address, base).href;
}

/**
 * A value as JSON. `JSON.stringify` would call the methods `toJSON` that old scripts of the page give to arrays and objects.
 * Halves of characters, as `slice` leaves them of an emoji, become U+FFFD: the worker's strings cannot hold them.
 * @param {unknown} value
 * @returns {string}
 */
function json(value) {
  if (typeof value === "string") return JSON.stringify(value.replace(/\p{Surrogate}/gu, "\ufffd"));
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  try {
    if (Array.isArray(value)) return `[${value.map((item) => json(item)).join(",")}]`;
    return `{${Object.entries(value).map(([name, item]) => `${json(name)}:${json(item)}`).join(",")}}`;
  } catch (error) {
    throw new Failure("text_too_long", { cause: error });
  }
}

/**
 * The posts of each user.
 * @param {Iterable<Text>} texts
 * @param {string} method The method that they were given to.
 * @returns {string[][]}
 */
function listed(texts, method) {
  // A string is iterable too, by its letters.
  if (typeof texts === "string" || !texts?.[Symbol.iterator]) throw new TypeError(`${method} expects a list of texts`);
  return [...texts].map((text) => posts(text));
}

/** A user's posts: the lines of a string, or a list of posts as it is. */
function posts(text) {
  if (typeof text === "string") return text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  if (Array.isArray(text) && text.every((post) => typeof post === "string")) return text;
  throw new TypeError("a text must be a string with one post per line, or a list of posts");
}

/** @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Base rates in a form that the worker can read. It checks whether they fit the model.
 * @param {unknown} baseRates
 * @returns {BaseRates}
 */
function readable(baseRates) {
  const isShares = (shares) => isObject(shares) && Object.values(shares).every(Number.isFinite);
  const isGiven = isObject(baseRates) && Object.values(baseRates).every(isShares);
  if (isGiven || baseRates === "equal" || baseRates === "corpus") return /** @type {BaseRates} */ (baseRates);
  const unusable_base_rates = `base rates: neither "equal" nor "corpus" nor shares by attribute and class: ${shown(baseRates)}`;
  throw new Failure({ unusable_base_rates });
}

/** A value for an error message, as JSON where it has such a form. */
function shown(value) {
  try {
    return json(value);
  } catch {
    return typeof value;
  }
}

/**
 * The length of a post in characters. JavaScript's own length counts some of them twice.
 * @param {string} post
 */
function characters(post) {
  let count = 0;
  for (const _ of post) count += 1;
  return count;
}

/** Converts the places of words from bytes of UTF-8, as the worker counts, to units of JavaScript's strings. */
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

/** The promise, or a rejection as soon as the signal is aborted. */
function orAborted(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
