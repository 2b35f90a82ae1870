// The element <user-attributes>: what a model makes of a text, as bars. README.md says how it is used.
//
// It runs under a strict Content-Security-Policy: styles are a constructed sheet, widths are set through the CSSOM,
// and text, the page's or the model's, is never read as HTML.

import { load } from "./index.js";
import { bytes, percent, stringsFor, title, wordsUsed } from "./strings.js";
import { styles } from "./style.js";

/** How long the text must rest before it is read, in milliseconds. */
const PAUSE = 150;
/** How near to what is seen of the page an element loads its model. */
const NEAR = "300px";

/** A new element with these properties and children. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Elements that stand on lines of their own, so that the words before and after them are not one. */
const LINES =
  /^(ADDRESS|ARTICLE|ASIDE|BLOCKQUOTE|BR|D[DLT]|DIV|FIGCAPTION|FIGURE|FOOTER|H[1-6R]|HEADER|LI|MAIN|NAV|[OU]L|P|PRE|SECTION|T[DHR]|TABLE)$/;
const UNREAD = new Set(["NOSCRIPT", "SCRIPT", "STYLE", "TEMPLATE"]);

/** The text of these nodes as it is read. */
function textOf(nodes) {
  let text = "";
  for (const node of nodes) {
    if (node.nodeType === Node.TEXT_NODE) text += node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || UNREAD.has(node.nodeName)) continue;
    const inner = textOf(node.childNodes);
    text += LINES.test(node.nodeName) ? `\n${inner}\n` : inner;
  }
  return text;
}

/** A list of classes as bars, and what sets them to a distribution. */
function bars(strings, label, classes) {
  const rows = classes.map((name) => {
    const fill = make("span", { part: "fill" });
    const share = make("span", { part: "percent", className: "percent" });
    const row = make(
      "li",
      { part: "class" },
      make("span", { part: "class-name", dir: "auto" }, title(strings, name)),
      make("span", { part: "bar", className: "bar", ariaHidden: "true" }, fill),
      share,
    );
    row.dataset.class = name;
    return { name, row, fill, share };
  });
  const list = make("ul", { part: "classes", role: "list", ariaLabel: label }, ...rows.map(({ row }) => row));
  const set = ({ label, probabilities }) => {
    for (const { name, row, fill, share } of rows) {
      const probability = probabilities[name];
      row.dataset.probability = probability;
      row.classList.toggle("top", name === label);
      row.part.toggle("top", name === label);
      fill.style.setProperty("width", `${(probability * 100).toFixed(2)}%`);
      share.textContent = percent(probability);
    }
    list.hidden = label === null;
  };
  return { list, set };
}

/** One attribute: its coarse_classes, if it has any, and behind a disclosure its classes; else its classes. */
function section(strings, { name, classes, coarse_classes = [] }) {
  const heading = title(strings, name);
  const best = make("span", { part: "label", className: "best", dir: "auto" });
  const basis = make("p", { part: "basis", className: "quiet", hidden: true });
  const first = bars(strings, heading, coarse_classes.length ? coarse_classes.map((group) => group.label) : classes);
  const all = bars(strings, strings.attributeClasses(heading), classes);
  const more = make("details", { part: "more" }, make("summary", {}, strings.allClasses(classes.length)), all.list);
  const element = make(
    "div",
    { part: "attribute", className: "attribute" },
    make("p", { className: "title" }, make("span", { part: "name", className: "quiet" }, heading), " ", best),
    basis,
    first.list,
    ...(coarse_classes.length ? [more] : []),
  );
  element.dataset.attribute = name;
  const set = (prediction, language) => {
    // How it is known is a question only where a model reads two languages.
    basis.hidden = !language;
    basis.textContent = prediction.transferred ? strings.transferred : strings.measured;
    const coarse = prediction.coarse ?? prediction;
    // What is not probable enough is not called the answer; the bars show it all the same.
    best.textContent = coarse.confident ? title(strings, coarse.label) : strings.unsure;
    best.classList.toggle("unsure", !coarse.confident);
    first.set(coarse);
    all.set(prediction);
    more.hidden = coarse.label === null;
  };
  return { name, element, set };
}

/** What the model's makers say about it. */
function about(strings, card) {
  const facts = Object.entries(strings.facts).flatMap(([key, term]) => {
    const text = [card[key]].flat().join(", ");
    return text ? [make("dt", {}, term), make("dd", { dir: "auto" }, text)] : [];
  });
  const share = (value) => `${(value * 100).toFixed(1)}%`;
  const figures = card.figures.map(({ attribute, language, users, accuracy, majority }) => {
    const writers = users.toLocaleString(strings.language);
    const name = title(strings, attribute);
    const named = language ? strings.ofLanguage[language](name) : name;
    return make("dd", {}, strings.figure(named, share(accuracy), writers, share(majority)));
  });
  if (figures.length) facts.push(make("dt", {}, card.refit ? strings.refitFigures : strings.figures), ...figures);
  return make("details", { part: "about" }, make("summary", {}, strings.about, card.name), make("dl", {}, ...facts));
}

/** The most probable class of each attribute in a sentence, for those who cannot see the bars. */
function spoken(strings, sections, { predictions }) {
  const sentences = sections.map(({ name }) => {
    const { label, confident, probabilities } = predictions[name].coarse ?? predictions[name];
    if (label === null) return "";
    const sentence = confident ? strings.spoken : strings.spokenUnsure;
    const said = sentence(title(strings, name), title(strings, label), percent(probabilities[label]));
    return predictions[name].transferred ? `${said} ${strings.transferred}` : said;
  });
  return sentences.join(" ");
}

/** The element; README.md says what its attributes, properties and events are. */
export class UserAttributesElement extends (globalThis.HTMLElement ?? Object) {
  static observedAttributes = ["model", "backend", "dictionary", "loading", "lang", "attributes"];

  /** What the page has set as text; null: what the element holds is the text. */
  #text = null;
  /** Aborted when the model, loading or loaded, is no longer wanted; null while none is. */
  #use = null;
  #model = null;
  /** Aborted when the text that is being predicted is no longer the newest. */
  #asking = null;
  #timer;
  #watcher = null;
  /** The newest prediction, and the text that it is of. */
  #prediction = null;
  #answered = null;
  #failure = null;
  /** How far loading is. */
  #progress = null;
  #strings = stringsFor([]);
  #sections = [];
  #parts;

  constructor() {
    super();
    const retry = make("button", { part: "retry", type: "button" });
    const parts = (this.#parts = {
      slot: make("slot", { part: "text", dir: "auto" }),
      heading: make("p", { part: "heading", className: "heading", id: "heading" }),
      // The button goes when it is used, and would take the focus with it.
      note: make("p", { part: "note", className: "quiet", dir: "auto", tabIndex: -1 }),
      progress: make("progress", { part: "progress" }),
      retry,
      attributes: make("div", { part: "attributes", className: "attributes" }),
      caveat: make("p", { part: "caveat", className: "caveat quiet" }),
      about: make("div"),
      spoken: make("p", { className: "spoken", role: "status" }),
    });
    const { slot, ...inPanel } = parts;
    parts.panel = make("section", { part: "panel", className: "panel", dir: "ltr" }, ...Object.values(inPanel));
    parts.panel.setAttribute("aria-labelledby", "heading");
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styles()];
    root.append(slot, parts.panel);

    retry.addEventListener("click", () => {
      parts.note.focus();
      this.#start();
    });
    const held = () => this.#text === null && this.#textChanged();
    slot.addEventListener("slotchange", held);
    new MutationObserver(held).observe(this, { characterData: true, childList: true, subtree: true });
    // What was set on the element before it was known as one.
    for (const name of ["text", "model", "backend", "dictionary", "loading", "theme"]) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  connectedCallback() {
    this.#label();
    if (this.#use) return;
    if (this.loading === "eager") {
      this.#start();
      return;
    }
    this.#watcher?.disconnect();
    this.#watcher = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && this.#start(), {
      rootMargin: NEAR,
    });
    this.#watcher.observe(this);
  }

  disconnectedCallback() {
    // An element that is moved is back by then.
    queueMicrotask(() => this.isConnected || this.#stop());
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected) return;
    if (name === "lang" || name === "attributes") this.#label();
    else if (this.#use ? name !== "loading" : this.loading === "eager") this.#start();
  }

  /** The text that is read: what was set, or else what the element holds. Set null for the latter. */
  get text() {
    return this.#text ?? textOf(this.#parts.slot.assignedNodes()).trim();
  }
  set text(text) {
    this.#text = text == null ? null : String(text);
    this.#parts.slot.hidden = this.#text !== null;
    this.#textChanged();
  }

  /** The newest text's prediction; null while there is none. */
  get prediction() {
    return this.text === this.#answered ? this.#prediction : null;
  }

  get model() {
    return this.getAttribute("model") ?? "";
  }
  set model(address) {
    this.#reflect("model", address);
  }
  get backend() {
    const backend = this.getAttribute("backend");
    return ["cpu", "webgpu"].includes(backend) ? backend : "auto";
  }
  set backend(backend) {
    this.#reflect("backend", backend);
  }
  get dictionary() {
    return this.getAttribute("dictionary") ?? "";
  }
  set dictionary(address) {
    this.#reflect("dictionary", address);
  }
  get loading() {
    return this.getAttribute("loading") === "eager" ? "eager" : "lazy";
  }
  set loading(loading) {
    this.#reflect("loading", loading);
  }
  get theme() {
    const theme = this.getAttribute("theme");
    return ["light", "dark"].includes(theme) ? theme : "auto";
  }
  set theme(theme) {
    this.#reflect("theme", theme);
  }
  /** To who reads it, what it is on every element. What is set becomes the attribute of that name: React, Vue and
   * others set properties wherever there is one. */
  get attributes() {
    return super.attributes;
  }
  set attributes(names) {
    this.#reflect("attributes", names);
  }

  #reflect(name, value) {
    if (value == null) this.removeAttribute(name);
    else this.setAttribute(name, value);
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  /** Loads the model, in place of an earlier one. */
  async #start() {
    this.#stop();
    const { signal } = (this.#use = new AbortController());
    this.#render();
    // Several attributes may be set in a row.
    await null;
    if (signal.aborted) return;
    const onprogress = ({ asset, received, total }) => {
      if (signal.aborted) return;
      this.#progress = { asset, received, total };
      this.#render();
      this.#say("progress", { asset, received, total });
    };
    try {
      const { backend } = this;
      const dictionary = this.#address("dictionary");
      const model = await load(this.#address("model"), { backend, dictionary, onprogress, signal });
      if (signal.aborted) {
        model.free();
        return;
      }
      this.#model = model;
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
      return;
    }
    this.#label();
    this.#say("ready", { card: this.#model.card, attributes: this.#model.attributes, backend: this.#model.backend });
    this.#ask();
  }

  /** What an attribute points to; undefined where it is not set. */
  #address(name) {
    const address = this.getAttribute(name);
    if (!address) return undefined;
    if (!URL.canParse(address, this.baseURI)) throw new Error(`the attribute ${name} holds no address: ${address}`);
    return new URL(address, this.baseURI).href;
  }

  /** Frees the model and forgets what was asked of it. */
  #stop() {
    this.#watcher?.disconnect();
    this.#watcher = null;
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#use?.abort();
    this.#use = null;
    this.#model?.free();
    this.#model = null;
    this.#progress = null;
    this.#failure = null;
    this.#prediction = null;
    this.#answered = null;
  }

  #textChanged() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    if (this.#model) this.#timer = setTimeout(() => this.#ask(), PAUSE);
    this.#render();
  }

  async #ask() {
    const { text } = this;
    if (!this.#model) return;
    this.#asking?.abort();
    const { signal } = (this.#asking = new AbortController());
    let prediction = null;
    if (text.trim()) {
      try {
        [prediction] = await this.#model.predict([text], { signal });
      } catch (error) {
        if (!signal.aborted) this.#fail(error);
        return;
      }
      if (signal.aborted) return;
    }
    this.#prediction = prediction;
    this.#answered = text;
    this.#failure = null;
    this.#render();
    if (prediction) this.#say("prediction", { prediction, text });
  }

  #fail(error) {
    this.#failure = String(error?.message ?? error);
    this.#render();
    this.#say("error", { message: this.#failure, error });
  }

  /** The nearest language that is said for this element, and those of the reader. */
  #languages() {
    let node = this;
    while (node && !node.lang) node = node.parentElement ?? node.getRootNode().host;
    return [node?.lang ?? "", ...navigator.languages];
  }

  /** Writes all that depends on language and model. */
  #label() {
    const strings = (this.#strings = stringsFor(this.#languages()));
    const { panel, heading, progress, retry, caveat, attributes, about: aboutModel } = this.#parts;
    panel.lang = strings.language;
    heading.textContent = strings.heading;
    progress.ariaLabel = strings.loading;
    retry.textContent = strings.retry;
    caveat.textContent = strings.caveat;
    if (this.#model) {
      const known = this.#model.attributes;
      const wanted = this.getAttribute("attributes")?.split(/\s+/).filter(Boolean) ?? [];
      const shown = wanted.length ? wanted.flatMap((name) => known.find((one) => one.name === name) ?? []) : known;
      this.#sections = shown.map((attribute) => section(strings, attribute));
      attributes.replaceChildren(...this.#sections.map(({ element }) => element));
      aboutModel.replaceChildren(about(strings, this.#model.card));
    }
    this.#render();
  }

  /** Brings what is seen up to date. */
  #render() {
    const { slot, panel, note, progress, retry, attributes, spoken: live } = this.#parts;
    const prediction = this.#prediction;
    const failed = this.#failure !== null;
    const loading = this.#use !== null && this.#model === null && !failed;
    const behind = !failed && this.text.trim() !== "" && this.text !== this.#answered;
    slot.classList.toggle("read", this.#text === null && this.text !== "");
    panel.ariaBusy = String(behind && this.#use !== null);
    note.textContent = this.#note(loading, behind);
    note.classList.toggle("failed", failed);
    retry.hidden = !failed;
    progress.hidden = !loading;
    const { received, total } = this.#progress ?? {};
    if (total) Object.assign(progress, { max: total, value: received });
    else progress.removeAttribute("value");
    attributes.hidden = failed || prediction === null;
    if (prediction) for (const { name, set } of this.#sections) set(prediction.predictions[name], prediction.language);
    const said =
      prediction && !behind ? `${spoken(this.#strings, this.#sections, prediction)} ${note.textContent}` : "";
    const announced = failed ? note.textContent : said.trim();
    if (announced && live.textContent !== announced) live.textContent = announced;
  }

  /** What there is to say about the estimate. */
  #note(loading, behind) {
    const strings = this.#strings;
    if (this.#failure !== null) return strings.failed(this.#failure);
    if (loading) {
      if (!this.#progress) return strings.starting;
      const { asset, received, total } = this.#progress;
      return strings.fetching(strings.assets[asset], bytes(received), total && bytes(total));
    }
    if (this.#prediction) return wordsUsed(strings, this.#prediction);
    if (!behind) return strings.noText;
    return this.#model ? strings.soon : strings.notReady;
  }
}

// Two copies of this module may meet on a page; the first one stays.
if (globalThis.customElements && !customElements.get("user-attributes")) {
  customElements.define("user-attributes", UserAttributesElement);
}
