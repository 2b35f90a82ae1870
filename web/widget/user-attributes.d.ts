import type { Attribute, Backend, BackendChoice, ModelCard, Progress, UserPrediction } from "./index.js";

/** The events of `<user-attributes>`. They bubble, out of shadow trees too. */
export interface UserAttributesEventMap {
  /** The model is ready. */
  ready: CustomEvent<{ card: ModelCard; attributes: readonly Attribute[]; backend: Backend }>;
  /** Bytes have arrived. */
  progress: CustomEvent<Progress>;
  /** There is a prediction of a new text. */
  prediction: CustomEvent<{ prediction: UserPrediction; text: string }>;
  /** The model could not be loaded, or a text not be read. */
  error: CustomEvent<{ message: string; error: unknown }>;
}

type Events = Omit<HTMLElementEventMap, keyof UserAttributesEventMap> & UserAttributesEventMap;

/** The element `<user-attributes>`; importing the module makes it known to the page. */
export class UserAttributesElement extends HTMLElement {
  /** The text that is read, a post a line: what was set, or else what the element holds. Set null for the latter. */
  get text(): string;
  set text(text: string | null);
  /** The newest text's prediction; null while there is none. */
  readonly prediction: UserPrediction | null;
  /** The model's address; empty: the one that lies beside the module. */
  model: string;
  /** What to run on. */
  backend: BackendChoice;
  /** The address of the dictionary for Chinese models; empty: the one that lies beside the module. */
  dictionary: string;
  /** When to load the model: near the visible part of the page, or at once. */
  loading: "lazy" | "eager";
  /** Its colours; `auto`: the page's `color-scheme`. */
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
