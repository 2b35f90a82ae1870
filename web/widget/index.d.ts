/** Where a model is: an address, relative ones as seen from the page, in Node from the working folder, or the bytes of a
 * bundle. */
export type Source = string | URL | Blob | ArrayBuffer | Uint8Array;

/** What a model is to run on. `auto`: the CPU, or WebGPU where there is a real GPU and it is the faster one. */
export type BackendChoice = "auto" | "cpu" | "webgpu";

export interface LoadOptions {
  /** Default: `auto`. */
  backend?: BackendChoice;
  /** Where the dictionary is that Chinese models cut text by; default: the one beside this module. It is fetched only
   * for a model that needs it. */
  dictionary?: string | URL;
  /** Called as bytes arrive. */
  onprogress?: (progress: Progress) => void;
  /** Ends the waiting: the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

export interface Progress {
  /** What is being fetched. */
  asset: "model" | "dictionary" | "gpu";
  /** The bytes that are here. */
  received: number;
  /** How many there will be; null where the server does not say. */
  total: number | null;
}

/**
 * Loads a model into a worker that all models of the page share; in Node, into this thread. Loads of one address with
 * the same options share one model. Without a source it is the model that lies beside this module.
 *
 * The promise is rejected where the model cannot be fetched, is damaged, or the worker's program does not run.
 */
export function load(source?: Source, options?: LoadOptions): Promise<Model>;

/** One user's text: a string with a post a line, or a list of posts. */
export type Text = string | readonly string[];

export interface Model {
  /** What its makers say about it. */
  readonly card: ModelCard;
  /** What it predicts. */
  readonly attributes: readonly Attribute[];
  /** What it runs on, as of the newest prediction. */
  readonly backend: Backend;
  /** Predicts every attribute of each of these users, in their order. `onprogress` hears of how many are done. */
  predict(
    // Of what can be iterated over, strings are no lists of texts.
    texts: Iterable<Text> & object,
    options?: { signal?: AbortSignal; onprogress?: (done: number, total: number) => void },
  ): Promise<UserPrediction[]>;
  /** Says what each word of one user's text does to the prediction. */
  explain(text: Text, options?: { signal?: AbortSignal }): Promise<Explanation>;
  /** The words of each of these posts as the model reads them, known to it or not. */
  segment(text: Text, options?: { signal?: AbortSignal }): Promise<string[][]>;
  /** Gives the model up; its memory is free when all who loaded it have done so. It is of no use afterwards. */
  free(): void;
}

/** An attribute of a writer with the classes that the model tells apart. */
export interface Attribute {
  /** E.g. `age`. */
  name: string;
  /** E.g. `23` or `33+`. */
  classes: string[];
  /** Coarser classes to show first; absent where there are none. */
  coarse_classes?: { label: string; classes: string[] }[];
}

/** What is predicted about one user. */
export interface UserPrediction {
  /** The words that the model read. */
  words: number;
  /** How many of them its vocabulary holds. */
  known_words: number;
  /** Of a model that reads Chinese and another language: which of them the text is in. */
  language?: "zh" | "other";
  /** By the attribute's name. */
  predictions: Record<string, AttributePrediction>;
}

export interface Distribution {
  /** The most probable class; null where the text holds no word that the model knows. */
  label: string | null;
  /** Whether that class is probable enough to be called the answer, by the model's own threshold. */
  confident: boolean;
  /** By class, between 0 and 1; they sum to 1. */
  probabilities: Record<string, number>;
}

export interface AttributePrediction extends Distribution {
  /** True where it was learned from writers in another language than the text's, and not shown to work in this one. */
  transferred?: boolean;
  /** The same over the attribute's coarse classes, where it has any. */
  coarse?: Distribution;
}

/** A prediction with what each word does to it. */
export interface Explanation {
  prediction: UserPrediction;
  /** The words that the model read, in order; of more than 5,000 the first 5,000. */
  words: ReadWord[];
  /** By the attribute's name. */
  attributes: Record<string, AttributeEvidence>;
}

export interface ReadWord {
  /** The index of its post. */
  post: number;
  /** Where it starts in the post, as for `String.prototype.slice`. */
  start: number;
  /** Where it ends. */
  end: number;
  /** Whether the model's vocabulary holds it. */
  known: boolean;
}

/** By how much each word raises the logarithm of the odds of each class, a number a word. */
export interface AttributeEvidence {
  classes: Record<string, number[]>;
  coarse?: Record<string, number[]>;
}

/** What a model runs on. */
export type Backend =
  /** `because`: why it is not WebGPU, where there is something to say. */
  { cpu: { because: string | null } } | { webgpu: { adapter: string; software: boolean } };

/** What a model was made from, what it is for, and how well it was seen to work. */
export interface ModelCard {
  name: string;
  /** BCP 47 tags such as `en`. */
  languages: string[];
  data: string;
  licence: string;
  intended_use: string;
  not_for: string;
  limits: string;
  citations: string[];
  /** Of users that training never saw. */
  figures: AttributeFigures[];
  /** Whether it learned from these users too, once the figures had been taken of a model made in the same way. */
  refit?: boolean;
}

/** Test figures of one attribute; shares are between 0 and 1. */
export interface AttributeFigures {
  attribute: string;
  /** Of a model that reads Chinese and another language: which of them these users write. */
  language?: "zh" | "other";
  /** Users tested. */
  users: number;
  /** The share of the most frequent class. */
  majority: number;
  /** The share predicted right. */
  accuracy: number;
  /** The mean over classes, like the next. */
  precision: number;
  recall: number;
  /** 2PR / (P + R) of these two. */
  f: number;
  calibration_error: number;
  /** Users by the probability of their most probable class, in 15 bins of equal width without the empty ones. Empty, like
   * the next, in older bundles. */
  reliability: ReliabilityBin[];
  /** What answering only from a probability on does: from 0, 0.05 … 0.95, as long as anybody is answered. */
  coverage: CoveragePoint[];
}

export interface ReliabilityBin {
  users: number;
  /** The mean probability of their most probable class. */
  confidence: number;
  /** The share for whom it is the true one. */
  accuracy: number;
}

export interface CoveragePoint {
  /** Users are answered whose most probable class is at least so probable. */
  threshold: number;
  /** Their share of all users. */
  coverage: number;
  /** The share of them for whom that class is the true one. */
  accuracy: number;
}
