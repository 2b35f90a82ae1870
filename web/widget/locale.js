// @ts-check
// The messages of <user-attributes> in the visitor's language, and how it writes names and numbers.
// The build makes messages.js from the catalogues in web/locales, which web/src/locale.rs describes.
import messages from "./messages.js";

/** @import { Reason } from "./protocol.js" */

/** With fewer known words than this, the element says that they are too few. */
const FEW_WORDS = 100;

/** @type {Record<string, Record<string, string>>} */
const catalogues = messages;

/** @param {string} tag */
const primary = (tag) => tag.toLowerCase().split("-")[0];

export class Locale {
  /** @type {Record<string, string>} */
  #catalogue;
  #rules;

  /**
   * The first of the visitor's languages (BCP 47 tags) that has a catalogue; English if none has.
   * @param {readonly string[]} languages
   */
  constructor(languages) {
    const tags = Object.keys(catalogues);
    const known = languages.map((language) => tags.find((tag) => primary(tag) === primary(language)));
    this.tag = known.find(Boolean) ?? "en";
    this.#catalogue = catalogues[this.tag];
    this.#rules = new Intl.PluralRules(this.tag);
  }

  /**
   * A message with its arguments, by name. If `count` is one of them, the message is that of its plural category.
   * @param {string} key
   * @param {Record<string, string | number> & { count?: number }} [args]
   */
  t(key, args = {}) {
    const entry = args.count === undefined ? key : `${key}_${this.#rules.select(args.count)}`;
    return (this.#catalogue[entry] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(args[name]));
  }

  /**
   * The name of an attribute or class. A name that the catalogue lacks starts with a capital, and a range has an en dash.
   * @param {string} name
   */
  name(name) {
    const key = `name.${name}`;
    if (Object.hasOwn(this.#catalogue, key)) return this.#catalogue[key];
    if (/^[0-9]/.test(name)) return name.replaceAll("-", "–");
    const [first = "", ...rest] = name;
    return (first.toUpperCase() + rest.join("")).replaceAll("_", " ");
  }

  /**
   * A reason in words, as `Locale::reason` in web/src/locale.rs puts it.
   * @param {Reason} reason
   */
  reason(reason) {
    const [name, data] = typeof reason === "string" ? [reason, {}] : Object.entries(reason)[0];
    const fields = Object.entries(typeof data === "object" ? data : { detail: data });
    const texts = fields.map(([field, value]) => [field, value === "" ? this.t("unknown") : value]);
    return this.t(`reason.${name}`, Object.fromEntries(texts));
  }

  /**
   * How many of the text's words the model knows. It reads only `maxWords` of a longer text.
   * @param {import("./index.js").UserPrediction} prediction
   * @param {number} maxWords
   */
  wordsUsed({ words, known_words: known }, maxWords) {
    if (words === 0) return this.t("no_words");
    if (known === 0) return this.t("no_known_words");
    const used = words < maxWords ? this.t("words_used", { count: words, known }) : this.t("words_cut", { words, known });
    return known < FEW_WORDS ? this.t("few_words_used", { words_used: used }) : used;
  }
}

/** The locale of the JavaScript interface. */
export const ENGLISH = new Locale(["en"]);

/** An error with a reason. Its message is in English; the element shows the reason in the visitor's language. */
export class Failure extends Error {
  /**
   * @param {Reason} reason
   * @param {ErrorOptions} [options]
   */
  constructor(reason, options) {
    super(ENGLISH.reason(reason), options);
    this.reason = reason;
  }
}

/**
 * A probability as shown, in whole percent. It is never rounded to 0% or 100%.
 * @param {number} probability
 */
export function percent(probability) {
  if (probability < 0.01) return "<1%";
  if (probability > 0.99) return ">99%";
  return `${Math.round(probability * 100)}%`;
}

/**
 * A size in bytes as shown.
 * @param {number} count
 */
export function bytes(count) {
  if (count < 1e3) return `${count} B`;
  return count < 1e6 ? `${Math.round(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}
