import type {
  Attribute,
  Backend as WorkerBackend,
  BackendChoice,
  BaseRates,
  Explanation as BytesExplanation,
  Method,
  ModelCard,
  Named,
  PopulationEstimate,
  ReadWord as BytesReadWord,
  Reply,
  UserPrediction,
} from "./protocol.js";

export type {
  Attribute,
  AttributeEvidence,
  AttributeFigures,
  AttributePrediction,
  AttributeShares,
  BackendChoice,
  BaseRates,
  CoarseClass,
  CoarsePrediction,
  CoveragePoint,
  Divergence,
  JointShares,
  Language,
  Method,
  ModelCard,
  Named,
  PopulationEstimate,
  ReliabilityBin,
  Share,
  TextCheck,
  UserPrediction,
} from "./protocol.js";

/**
 * A model: the bytes of a bundle, or its address. A relative address is relative to the page, and in Node to the working
 * folder.
 */
export type Source = string | URL | Blob | ArrayBuffer | Uint8Array;

/** The backend that a model runs on. */
export type Backend =
  | Exclude<WorkerBackend, { cpu: unknown }>
  /** `because` says in English why WebGPU does not run although the choice allows it; null if there is nothing to explain. */
  | { cpu: { because: string | null } };

export interface LoadOptions {
  /** Default: `auto`. */
  backend?: BackendChoice;
  /**
   * The address of the dictionary with which Chinese models segment text. Default: the one beside this module. It is
   * fetched only for a model that needs it.
   */
  dictionary?: string | URL;
  /** Called as bytes arrive. */
  onprogress?: (progress: Progress) => void;
  /** Rejects the promise with the signal's reason. */
  signal?: AbortSignal;
}

/** Bytes of a file have arrived. */
export type Progress = Omit<Extract<Reply, { progress: unknown }>["progress"], "model">;

/**
 * Loads a model into a worker that all models of the page share; in Node, into this thread. Loads of the same address with
 * the same options share one model. Default: the model beside this module.
 *
 * The promise is rejected if the model cannot be fetched or is damaged, or if the worker's program cannot run.
 */
export function load(source?: Source, options?: LoadOptions): Promise<Model>;

/** One user's text: a string with one post per line, or a list of posts. */
export type Text = string | readonly string[];

export interface ReadOptions {
  /**
   * How common each class is among the users, before their text is read: `"equal"` (default), `"corpus"` (as among the
   * training users), or shares from 0 to 1 by attribute and by class or coarse class. An attribute that is not named has
   * equal base rates.
   */
  baseRates?: BaseRates;
  /** Rejects the promise with the signal's reason. */
  signal?: AbortSignal;
}

/** A loaded model. */
export interface Model {
  readonly card: ModelCard;
  /** The attributes that it predicts. */
  readonly attributes: readonly Attribute[];
  /**
   * The share of each class of each attribute among the training users. If the model reads two languages, among those who
   * do not write Chinese.
   */
  readonly baseRates: Named<Named<number>>;
  /** The number of a user's words that it reads. The rest of a longer text is cut off. */
  readonly maxWords: number;
  /** The backend of the newest prediction. */
  readonly backend: Backend;
  /** Predicts all attributes of each user, in their order. `onprogress` is called with the number of finished users. */
  predict(
    // A string is iterable, but is not a list of texts.
    texts: Iterable<Text> & object,
    options?: ReadOptions & { onprogress?: (done: number, total: number) => void },
  ): Promise<UserPrediction[]>;
  /**
   * Estimates what share of a set of users is of each class, with 95 % intervals. The users of a class are taken to write
   * like the training users of that class; do not trust the shares where `unlike` of a text check says that they do not.
   * Base rates change nothing. `method` is how the shares are estimated: `"cc"` (classify and count), `"pcc"` (mean
   * probability), `"acc"` and `"pacc"` (adjusted), `"emq"` (maximum likelihood) or `"bayes"` (default).
   */
  population(
    texts: Iterable<Text> & object,
    options?: { method?: Method; signal?: AbortSignal; onprogress?: (done: number, total: number) => void },
  ): Promise<PopulationEstimate>;
  /** The prediction for one user with the evidence of each word. */
  explain(text: Text, options?: ReadOptions): Promise<Explanation>;
  /** The words of each post as the model reads them, whether its vocabulary has them or not. */
  segment(text: Text, options?: { signal?: AbortSignal }): Promise<string[][]>;
  /** Gives the model up. Its memory is freed when all who loaded it have given it up. */
  free(): void;
}

/** A prediction for one user with the evidence of every word that was read for it. */
export interface Explanation extends Omit<BytesExplanation, "words"> {
  /** The words that the model read, in order; the first 5,000 of a longer text. */
  words: ReadWord[];
}

/** A word that the model read, and its place. */
export interface ReadWord extends Omit<BytesReadWord, "start" | "end"> {
  /** Where the word starts in its post, as for `String.prototype.slice`. */
  start: number;
  /** Where it ends. */
  end: number;
}
