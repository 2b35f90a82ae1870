// @ts-check
// The looks of <user-attributes>. The page may set the custom properties that begin with --user-attributes-.
// The build makes tokens.js from web/tokens.css.
import tokens from "./tokens.js";

const STYLE = `
  ${tokens}
  :host {
    display: block;
  }
  :host([theme='light']) .panel {
    color-scheme: light;
  }
  :host([theme='dark']) .panel {
    color-scheme: dark;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  slot {
    display: block;
  }
  slot.read {
    margin-bottom: 0.75em;
  }
  .panel {
    --highlight: var(--user-attributes-accent, var(--accent));
    --background: var(--user-attributes-background, var(--panel));
    --color: var(--user-attributes-color, var(--ink));
    --quiet: var(--user-attributes-quiet-color, color-mix(in srgb, var(--color) 72%, var(--background)));
    --line: var(--user-attributes-line-color, color-mix(in srgb, var(--color) 15%, var(--background)));
    --track: var(--user-attributes-track-color, color-mix(in srgb, var(--color) 8%, var(--background)));
    --error: var(--user-attributes-error-color, var(--alarm));
    display: block;
    box-sizing: border-box;
    padding: 1.25em;
    border: 1px solid var(--line);
    border-radius: var(--user-attributes-radius, var(--radius));
    background: var(--background);
    color: var(--color);
    font-style: normal;
    font-variant: normal;
    font-weight: 400;
    hyphens: manual;
    letter-spacing: normal;
    line-height: var(--line-height);
    overflow-wrap: anywhere;
    text-align: start;
    text-indent: 0;
    text-shadow: none;
    text-transform: none;
    white-space: normal;
    word-break: normal;
    word-spacing: normal;
    writing-mode: horizontal-tb;
  }
  p,
  dl,
  dd,
  ul {
    margin: 0;
    padding: 0;
  }
  .heading {
    font-weight: 650;
  }
  .quiet,
  summary {
    color: var(--quiet);
    font-size: 0.9em;
  }
  .ethics {
    color: var(--highlight);
    font-size: 0.9em;
  }
  .terms dt:first-of-type {
    margin-top: 0.3em;
  }
  .failed {
    color: var(--error);
  }
  :focus-visible {
    outline: 2px solid var(--highlight);
    outline-offset: 2px;
  }
  progress {
    display: block;
    width: 100%;
    height: 0.4em;
    margin: 0.6em 0;
    accent-color: var(--highlight);
  }
  button {
    margin-top: 0.5em;
    padding: 0.35em 0.8em;
    border: 1px solid var(--line);
    border-radius: 999px;
    background: transparent;
    color: inherit;
    font: inherit;
    font-size: 0.9em;
    cursor: pointer;
  }
  button:hover {
    border-color: var(--highlight);
    color: var(--highlight);
  }
  .attributes {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 16em), 1fr));
    gap: 1.1em 2em;
    margin-top: 1em;
    transition: opacity 0.15s;
  }
  [aria-busy='true'] > .attributes {
    opacity: 0.55;
  }
  .attribute {
    padding-top: 0.9em;
    border-top: 1px solid var(--line);
  }
  .title {
    display: flex;
    gap: 0.75em;
    justify-content: space-between;
    align-items: baseline;
    margin-bottom: 0.4em;
  }
  .assumed,
  .caveat {
    margin-top: 1em;
  }
  .best {
    font-size: 1.2em;
    font-weight: 650;
  }
  .abstained {
    color: var(--quiet);
    font-weight: 400;
  }
  ul {
    display: grid;
    gap: 0.3em;
    list-style: none;
    font-size: 0.925em;
    font-variant-numeric: tabular-nums;
  }
  li {
    display: grid;
    grid-template-columns: minmax(0, 6.5em) minmax(2em, 1fr) minmax(3.25em, max-content);
    gap: 0.75em;
    align-items: center;
  }
  .bar {
    height: 0.65em;
    border-radius: 999px;
    background: var(--track);
    overflow: hidden;
  }
  .bar > span {
    display: block;
    height: 100%;
    border-radius: inherit;
    background: color-mix(in srgb, var(--highlight) 45%, var(--background));
    transition: width 0.2s ease-out;
  }
  .top .bar > span {
    background: var(--highlight);
  }
  .top {
    font-weight: 650;
  }
  .percent {
    text-align: end;
  }
  summary {
    width: fit-content;
    cursor: pointer;
  }
  summary:hover {
    color: var(--highlight);
  }
  details {
    margin-top: 0.6em;
  }
  details[open] > summary {
    margin-bottom: 0.4em;
  }
  dt {
    margin-top: 0.6em;
    font-weight: 600;
  }
  dd {
    white-space: pre-line;
  }
  dl {
    font-size: 0.9em;
  }
  .announcement {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      transition: none !important;
    }
  }
  @media (forced-colors: active) {
    .panel {
      --line: CanvasText;
    }
    .bar {
      outline: 1px solid CanvasText;
    }
    .bar > span {
      background: CanvasText;
    }
    .top .bar > span {
      background: Highlight;
    }
  }
`;

/**
 * The sheet of each document. All elements of a document share it; another document refuses it.
 * @type {WeakMap<Document, CSSStyleSheet>}
 */
const sheets = new WeakMap();

/**
 * The sheets for the elements of a document. There are none where nothing is shown: in a document without a window, such as that
 * of a template's content, and in older versions of jsdom.
 * @param {Document} document
 */
export function styles(document) {
  const { CSSStyleSheet } = /** @type {Partial<typeof globalThis>} */ (document.defaultView ?? {});
  if (!CSSStyleSheet?.prototype.replaceSync) return [];
  let sheet = sheets.get(document);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    sheets.set(document, sheet);
  }
  return [sheet];
}
