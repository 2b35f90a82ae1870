// The element <user-attributes>: a model's estimate of a text's writer, as bars. README.md describes its use.
//
// It works under a strict Content-Security-Policy: styles are a constructed sheet, widths are set through the CSSOM,
// and no text, whether of the page or of a model, is parsed as HTML.

import { load } from "./index.js";
import { Failure, Locale, bytes, percent } from "./locale.js";
import { styles } from "./style.js";

/** docs/ethics.md as a page. */
const ETHICS = () => new URL("./ethics.html", import.meta.url).href;
/** The pause after a change of the text before it is read, in milliseconds. */
const PAUSE = 150;
/** The distance from the visible part of the page at which an element loads its model. */
const NEAR = "300px";

/** A new element with these properties and children. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Elements that start a new line: the words before and after them are separate. */
const LINES = new Set(
  `ADDRESS ARTICLE ASIDE BLOCKQUOTE BR CAPTION DD DETAILS DIALOG DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER FORM
  H1 H2 H3 H4 H5 H6 HEADER HGROUP HR LEGEND LI MAIN MENU NAV OL OPTION P PRE SEARCH SECTION SUMMARY
  TABLE TBODY TD TFOOT TH THEAD TR UL`.split(/\s+/),
);
/** Elements whose content is not text. */
const UNREAD = new Set(["NOSCRIPT", "SCRIPT", "STYLE", "TEMPLATE"]);

/** The text of these nodes. */
function textOf(nodes) {
  let text = "";
  for (const node of nodes) {
    if (node.nodeType === Node.TEXT_NODE) text += node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || UNREAD.has(node.nodeName)) continue;
    // The slot of a component shows nodes from elsewhere.
    const inner = textOf(node.nodeName === "SLOT" ? node.assignedNodes({ flatten: true }) : node.childNodes);
    text += LINES.has(node.nodeName) ? `\n${inner}\n` : inner;
  }
  return text;
}

/** A list of classes as bars, and the function that shows a distribution in them. */
function bars(locale, label, classes) {
  const rows = classes.map((name) => {
    const fill = make("span", { part: "fill" });
    const share = make("span", { part: "percent", className: "percent" });
    const row = make(
      "li",
      { part: "class" },
      make("span", { part: "class-name", dir: "auto" }, locale.name(name)),
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

/** One attribute: its classes, or its coarse classes with the classes behind a disclosure. */
function section(locale, { name, classes, coarse_classes = [] }) {
  const heading = locale.name(name);
  const best = make("span", { part: "label", className: "best", dir: "auto" });
  const validation = make("p", { part: "validation", className: "quiet", hidden: true });
  const shown = coarse_classes.length ? coarse_classes.map(({ label }) => label) : classes;
  const first = bars(locale, heading, shown);
  const all = bars(locale, locale.t("all_classes_of", { attribute: heading }), classes);
  const summary = make("summary", {}, locale.t("all_classes", { number: classes.length }));
  const more = make("details", { part: "more" }, summary, all.list);
  const element = make(
    "div",
    { part: "attribute", className: "attribute" },
    make("p", { className: "title" }, make("span", { part: "name", className: "quiet" }, heading), " ", best),
    validation,
    first.list,
    ...(coarse_classes.length ? [more] : []),
  );
  element.dataset.attribute = name;
  const set = (prediction, language) => {
    // Only a model that reads two languages has a validation status.
    validation.hidden = !language;
    validation.textContent = prediction.transferred ? locale.t("transferred") : locale.t("measured");
    const coarse = prediction.coarse ?? prediction;
    // The title names a class only if it is confident; the bars show all.
    best.textContent = coarse.confident ? locale.name(coarse.label) : locale.t("not_sure");
    best.classList.toggle("abstained", !coarse.confident);
    first.set(coarse);
    all.set(prediction);
    more.hidden = coarse.label === null;
  };
  return { name, element, set };
}

/** Facts that a card states in English, each with the key of its term. */
function facts(locale, stated) {
  const fact = ([key, text]) => [make("dt", {}, locale.t(key)), make("dd", { dir: "auto", lang: "en" }, text)];
  return stated.filter(([, text]) => text).flatMap(fact);
}

/** The terms of the model and the uses that it is not for. They are in sight, because they apply to every use of the element. */
function terms(locale, card) {
  return facts(locale, [
    ["card_licence", card.licence],
    ["card_not_for", card.not_for],
  ]);
}

/** The rest of the model card. */
function about(locale, card) {
  const more = facts(locale, [
    ["card_intended_use", card.intended_use],
    ["card_limits", card.limits],
    ["card_data", card.data],
    ["card_languages", card.languages.join(", ")],
    ["card_citations", card.citations.join("\n")],
  ]);
  const share = (value) => `${(value * 100).toFixed(1)}%`;
  const figures = card.figures.map(({ attribute, language, corpus, adapted, users, accuracy, majority }) => {
    let name = locale.name(attribute);
    if (language === "zh") name = locale.t("attribute_chinese", { attribute: name });
    if (language === "other") name = locale.t("attribute_not_chinese", { attribute: name });
    if (corpus) name = `${name}, ${corpus}`;
    if (adapted) name = locale.t("attribute_adapted", { attribute: name });
    const figure = locale.t("figure", {
      attribute: name,
      accuracy: share(accuracy),
      count: users,
      users: users.toLocaleString(locale.tag),
      majority: share(majority),
    });
    return make("dd", {}, figure);
  });
  if (figures.length) more.push(make("dt", {}, figuresCaption(locale, card)), ...figures);
  return make("details", { part: "about" }, make("summary", {}, locale.t("about"), " ", card.name), make("dl", {}, ...more));
}

/** On which writers the figures of a card were measured, of which there are some. */
function figuresCaption(locale, card) {
  const adapted = card.figures.filter((figures) => figures.adapted).length;
  if (adapted === card.figures.length) return locale.t("adapted_figures_caption");
  const caption = locale.t(card.refit ? "refit_figures_caption" : "figures_caption");
  return adapted ? `${caption} ${locale.t("some_adapted_figures")}` : caption;
}

/** The most probable class of each attribute in a sentence, for screen readers. */
function announcement(locale, sections, { predictions }) {
  const sentences = sections.map(({ name }) => {
    const { label, confident, probabilities } = predictions[name].coarse ?? predictions[name];
    if (label === null) return "";
    const sentence = locale.t(confident ? "announcement" : "announcement_not_sure", {
      attribute: locale.name(name),
      label: locale.name(label),
      share: percent(probabilities[label]),
    });
    if (!predictions[name].transferred) return sentence;
    return locale.t("announcement_transferred", {
      announcement: sentence,
      transferred: locale.t("transferred"),
    });
  });
  return sentences.join(" ");
}

/** The element. README.md describes its attributes, properties and events. */
export class UserAttributesElement extends (globalThis.HTMLElement ?? Object) {
  static observedAttributes = ["text", "model", "backend", "base-rates", "dictionary", "loading", "lang", "show"];

  /** The text that the page has set; null if the text is the element's content. */
  #text = null;
  /** Aborted when the model is no longer needed, whether it is loaded or not; null while none is needed. */
  #use = null;
  #model = null;
  /** Aborted when a newer text replaces the one that is being read. */
  #asking = null;
  #timer;
  #watcher = null;
  /** Notices that the page changes the language of an element around this one. */
  #languageWatcher = new MutationObserver(() => {
    if (new Locale(this.#languages()).tag !== this.#locale.tag) this.#label();
  });
  /** The newest prediction. */
  #prediction = null;
  /** Its text. */
  #answered = null;
  /** The base rates that it assumes. */
  #assumed = "equal";
  /** The reason why there is no estimate (Reason in web/src/protocol.rs); null while nothing has failed. */
  #failure = null;
  /** The newest progress of loading. */
  #progress = null;
  #locale = new Locale([]);
  #sections = [];
  #parts;
  #prototype;

  constructor() {
    super();
    this.#prototype = Object.getPrototypeOf(this);
    const retry = make("button", { part: "retry", type: "button" });
    const parts = (this.#parts = {
      slot: make("slot", { part: "text", dir: "auto" }),
      heading: make("p", { part: "heading", className: "heading", id: "heading" }),
      // It takes the focus when the retry button disappears.
      note: make("p", { part: "note", className: "quiet", dir: "auto", tabIndex: -1 }),
      progress: make("progress", { part: "progress" }),
      retry,
      attributes: make("div", { part: "attributes", className: "attributes" }),
      assumed: make("p", { part: "base-rates", className: "assumed quiet" }),
      caveat: make("p", { part: "caveat", className: "caveat quiet" }),
      // The link opens another tab, because a text that is being written in this one would be lost.
      ethics: make("a", { part: "ethics", className: "ethics", target: "_blank", rel: "noopener", hreflang: "en", hidden: true }),
      terms: make("dl", { part: "terms", className: "terms quiet" }),
      about: make("div"),
      announcement: make("p", { className: "announcement", role: "status" }),
    });
    const { slot, ...inPanel } = parts;
    parts.panel = make("section", { part: "panel", className: "panel", dir: "ltr" }, ...Object.values(inPanel));
    parts.panel.setAttribute("aria-labelledby", "heading");
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = styles(this.ownerDocument);
    root.append(slot, parts.panel);

    retry.addEventListener("click", () => {
      parts.note.focus();
      this.#start();
    });
    const contentChanged = () => this.#text === null && this.#textChanged();
    const observer = new MutationObserver(contentChanged);
    const observe = (nodes) => {
      observer.disconnect();
      for (const node of nodes) observer.observe(node, { characterData: true, childList: true, subtree: true });
    };
    observe([this]);
    slot.addEventListener("slotchange", () => {
      // Nodes that come through the slot of a component are not within the element.
      observe([this, ...slot.assignedNodes({ flatten: true })]);
      contentChanged();
    });
    // Properties that the page set before the element was defined.
    for (const name of ["text", "model", "show", "backend", "baseRates", "dictionary", "loading", "theme"]) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  connectedCallback() {
    this.#languageWatcher.observe(this.ownerDocument, { attributes: true, attributeFilter: ["lang"], subtree: true });
    this.#label();
    if (this.#use) return;
    if (this.loading === "eager") {
      this.#start();
      return;
    }
    this.#watcher?.disconnect();
    // The window of the element's own document, which may be a frame's. jsdom's windows have no observers: nothing is visible
    // in them.
    const { IntersectionObserver } = this.ownerDocument.defaultView ?? {};
    if (!IntersectionObserver) return;
    this.#watcher = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && this.#start(), {
      rootMargin: NEAR,
    });
    this.#watcher.observe(this);
  }

  /** Moves the styles along to another document. Firefox also replaces the prototype by that of the document's plain elements. */
  adoptedCallback() {
    Object.setPrototypeOf(this, this.#prototype);
    this.shadowRoot.adoptedStyleSheets = styles(this.ownerDocument);
  }

  disconnectedCallback() {
    this.#languageWatcher.disconnect();
    // If the element was only moved, it is connected again by then.
    queueMicrotask(() => this.isConnected || this.#stop());
  }

  attributeChangedCallback(name, before, after) {
    if (name === "text") {
      this.text = after;
      return;
    }
    if (before === after || !this.isConnected) return;
    if (name === "lang" || name === "show") {
      this.#label();
      // The names were wrong, or are now.
      if (name === "show" && (this.#failure !== null || this.#unknown().length)) this.#ask();
    } else if (name === "base-rates") {
      // The text needs a new prediction.
      this.#answered = null;
      this.#textChanged();
    } else if (this.#use ? name !== "loading" : this.loading === "eager") {
      this.#start();
    }
  }

  /**
   * The text that is read: the one that was set last, as this property or as an attribute, or the element's content. Set it to
   * null to go back to the content. The property does not change the attribute.
   */
  get text() {
    return this.#text ?? textOf(this.#parts.slot.assignedNodes()).trim();
  }
  set text(text) {
    this.#text = text == null ? null : String(text);
    this.#parts.slot.hidden = this.#text !== null;
    this.#textChanged();
  }

  /** The prediction of the newest text; null while there is none. */
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
  /** The base rates: `equal` (default), `corpus`, or shares by attribute and class. What cannot be read is returned as it is. */
  get baseRates() {
    const rates = this.getAttribute("base-rates") || "equal";
    try {
      return JSON.parse(rates);
    } catch {
      return rates;
    }
  }
  set baseRates(rates) {
    this.#reflect("base-rates", typeof rates === "object" && rates ? JSON.stringify(rates) : rates);
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
  /** The names of the attributes to show, separated by spaces; empty for all. */
  get show() {
    return this.getAttribute("show") ?? "";
  }
  set show(names) {
    this.#reflect("show", names);
  }

  #reflect(name, value) {
    if (value == null) this.removeAttribute(name);
    else this.setAttribute(name, value);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  /** Loads the model and frees an earlier one. */
  async #start() {
    this.#stop();
    const { signal } = (this.#use = new AbortController());
    this.#render();
    // The page may set several attributes in a row.
    await null;
    if (signal.aborted) return;
    const onprogress = ({ asset, received, total }) => {
      if (signal.aborted) return;
      this.#progress = { asset, received, total };
      this.#render();
      this.#emit("progress", { asset, received, total });
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
      this.#label();
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
      return;
    }
    this.#emit("ready", { card: this.#model.card, attributes: this.#model.attributes, backend: this.#model.backend });
    this.#ask();
  }

  /** The absolute address in an attribute; undefined if the attribute is not set. */
  #address(name) {
    const address = this.getAttribute(name);
    if (!address) return undefined;
    if (!URL.canParse(address, this.baseURI)) throw new Failure({ not_an_address: { attribute: name, address } });
    return new URL(address, this.baseURI).href;
  }

  /** Frees the model and drops all work on it. */
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
    // They are of the model that is given up.
    this.#parts.terms.replaceChildren();
    this.#parts.about.replaceChildren();
  }

  #textChanged() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    if (this.#model) this.#timer = setTimeout(() => this.#ask(), PAUSE);
    this.#render();
  }

  async #ask() {
    const { text, baseRates } = this;
    if (!this.#model) return;
    this.#asking?.abort();
    const { signal } = (this.#asking = new AbortController());
    let prediction;
    try {
      const unknown = this.#unknown();
      if (unknown.length) {
        const known = this.#model.attributes.map(({ name }) => name);
        throw new Failure({ unknown_attributes: { names: unknown.join(", "), known: known.join(", ") } });
      }
      // Without a text this only checks the base rates.
      [prediction = null] = await this.#model.predict(text.trim() ? [text] : [], { baseRates, signal });
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
      return;
    }
    if (signal.aborted) return;
    this.#prediction = prediction;
    this.#answered = text;
    this.#assumed = baseRates;
    this.#failure = null;
    this.#render();
    if (prediction) this.#emit("prediction", { prediction, text });
  }

  /** The names of the attributes to show. */
  #wanted() {
    return this.show.split(/\s+/).filter(Boolean);
  }

  /** Those of them that the model lacks. */
  #unknown() {
    const known = this.#model?.attributes.map(({ name }) => name);
    return known ? this.#wanted().filter((name) => !known.includes(name)) : [];
  }

  #fail(error) {
    const message = String(error?.message ?? error);
    this.#failure = error instanceof Failure ? error.reason : { crashed: message };
    this.#render();
    this.#emit("error", { message, error });
  }

  /** The nearest `lang` around the element, then the visitor's languages. */
  #languages() {
    let node = this;
    while (node && !node.lang) node = node.parentElement ?? node.getRootNode().host;
    return [node?.lang ?? "", ...navigator.languages];
  }

  /** Writes everything that depends on the locale or the model. */
  #label() {
    const locale = (this.#locale = new Locale(this.#languages()));
    const { panel, heading, progress, retry, caveat, ethics, terms: termsOfModel, attributes, about: aboutModel } = this.#parts;
    panel.lang = locale.tag;
    heading.textContent = locale.t("estimate");
    progress.ariaLabel = locale.t("loading");
    retry.textContent = locale.t("try_again");
    caveat.textContent = locale.t("widget_caveat", { caveat: locale.t("caveat") });
    ethics.textContent = locale.t("ethics");
    if (this.#model) {
      const known = this.#model.attributes;
      const wanted = this.#wanted();
      const shown = wanted.length ? wanted.flatMap((name) => known.find((one) => one.name === name) ?? []) : known;
      this.#sections = shown.map((attribute) => section(locale, attribute));
      attributes.replaceChildren(...this.#sections.map(({ element }) => element));
      Object.assign(ethics, { href: ETHICS(), hidden: false });
      termsOfModel.replaceChildren(...terms(locale, this.#model.card));
      aboutModel.replaceChildren(about(locale, this.#model.card));
    }
    this.#render();
  }

  /** Brings the view up to date. */
  #render() {
    const { slot, panel, note, progress, retry, attributes, assumed, announcement: live } = this.#parts;
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
    assumed.hidden = attributes.hidden || prediction.known_words === 0;
    assumed.textContent = this.#locale.t(`base_rates_${typeof this.#assumed === "string" ? this.#assumed : "given"}`);
    if (prediction) for (const { name, set } of this.#sections) set(prediction.predictions[name], prediction.language);
    const estimate =
      prediction && !behind ? `${announcement(this.#locale, this.#sections, prediction)} ${note.textContent}` : "";
    const announced = failed ? note.textContent : estimate.trim();
    // Between two estimates the old one stays. Without a text there is none.
    if ((announced || this.text.trim() === "") && live.textContent !== announced) live.textContent = announced;
  }

  /** The line above the bars. */
  #note(loading, behind) {
    const locale = this.#locale;
    if (this.#failure !== null) return locale.t("no_estimate", { error: locale.reason(this.#failure) });
    if (loading) {
      if (!this.#progress) return locale.t("starting");
      const { asset, received, total } = this.#progress;
      return locale.t(total ? "fetching_total" : "fetching_received", {
        asset: locale.t(`asset_${asset}`),
        received: bytes(received),
        total: bytes(total ?? 0),
      });
    }
    if (this.#prediction) return locale.wordsUsed(this.#prediction, this.#model?.maxWords ?? Infinity);
    if (!behind) return locale.t("no_text");
    return locale.t(this.#model ? "in_a_moment" : "when_ready");
  }
}

// A page may load two copies of this module. The first one defines the element.
if (globalThis.customElements && !customElements.get("user-attributes")) {
  customElements.define("user-attributes", UserAttributesElement);
}
