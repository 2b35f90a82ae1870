import type { Attribute, Backend, BackendChoice, BaseRates, ModelCard, Progress, UserPrediction } from "./index.js";

/** The events of `<user-attributes>`. They bubble, out of shadow trees too. */
export interface UserAttributesEventMap {
  /** The model is ready. */
  ready: CustomEvent<{ card: ModelCard; attributes: readonly Attribute[]; backend: Backend }>;
  /** Bytes have arrived. */
  progress: CustomEvent<Progress>;
  /** A text was predicted: a new one, or the same one again after it was set, or under another model, backend or base rates. */
  prediction: CustomEvent<{ prediction: UserPrediction; text: string }>;
  /** The model could not be loaded, or a text could not be read. */
  error: CustomEvent<{ message: string; error: unknown }>;
}

type Events = Omit<HTMLElementEventMap, keyof UserAttributesEventMap> & UserAttributesEventMap;

/** The element `<user-attributes>`. Importing the module defines it. */
export class UserAttributesElement extends HTMLElement {
  /** The text that is read, one post per line: the one that was set, or the element's content. Null sets it to the content. */
  get text(): string;
  set text(text: string | null);
  /** The prediction of the newest text; null while there is none. */
  readonly prediction: UserPrediction | null;
  /** The address of the model; empty for the one beside the module. */
  model: string;
  /** The names of the attributes to show, in order and separated by spaces; empty for all. */
  show: string;
  /** The backend to run on. */
  backend: BackendChoice;
  /** The base rates that predictions assume. Null sets them to `"equal"`. */
  get baseRates(): BaseRates;
  set baseRates(rates: BaseRates | null);
  /** The address of the dictionary for Chinese models; empty for the one beside the module. */
  dictionary: string;
  /** When to load the model: when the element comes near the visible part of the page, or at once. */
  loading: "lazy" | "eager";
  /** The colours; `auto` follows the page's `color-scheme`. */
  theme: "auto" | "light" | "dark";

  addEventListener<K extends keyof Events>(
    type: K,
    listener: (this: UserAttributesElement, event: Events[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof Events>(
    type: K,
    listener: (this: UserAttributesElement, event: Events[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "user-attributes": UserAttributesElement;
  }
}
