// Our segmentation and jieba-wasm's, on one page. scripts/bench/chinese_browser.py calls the functions in `window.bench`.
import { load } from "/dist/widget/index.js";
import start, { cut } from "/jieba/jieba_rs_wasm.js";

const texts = await (await fetch("texts.json")).json();
const model = await load("/chinese.safetensors", { backend: "cpu" });
await start();

const systems = {
  ours: (posts) => model.segment(posts),
  theirs: (posts) => posts.map((post) => cut(post, true)),
};

/** The words of texts, by their name. */
const words = (system, name) => systems[system](texts[name]);

/** How many milliseconds they take. */
async function ms(system, name) {
  const begin = performance.now();
  await words(system, name);
  return performance.now() - begin;
}

window.bench = { words, ms };
