// Our predictions and onnxruntime-web's, on one page. scripts/bench/browser.py calls the functions in `window.bench`.
import { load } from "/dist/widget/index.js";
import * as ort from "/ort/ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = "/ort/";

const json = async (path) => (await fetch(path)).json();
const cases = await json("cases.json");
const model = await load(undefined, { backend: "cpu" });
const session = await ort.InferenceSession.create("network.onnx", { executionProviders: ["wasm"] });

/** The texts of a case for the next turn of a system. */
const turns = {};
function next(system, name) {
  const turn = (turns[system + name] = (turns[system + name] ?? -1) + 1);
  return cases[name][turn % cases[name].length];
}

/** Our prediction and time for a case, in milliseconds from text to probabilities. */
async function ours(name) {
  const { users } = next("ours", name);
  const start = performance.now();
  const predictions = await model.predict(users);
  return { ms: performance.now() - start, predictions };
}

/** Their prediction and time, from word ids to logits. */
async function theirs(name) {
  const { ids, lengths } = next("theirs", name);
  const [steps, batch] = [Math.max(...lengths), lengths.length];
  const start = performance.now();
  const inputs = {
    ids: new ort.Tensor("int32", Int32Array.from(ids), [steps, batch]),
    lengths: new ort.Tensor("int32", Int32Array.from(lengths), [batch]),
  };
  const found = await session.run(inputs);
  const logits = session.outputNames.map((name) => Array.from(found[name].data));
  return { ms: performance.now() - start, logits };
}

/** A GPU's worker, fused or not; see gpu_worker.js. */
function gpu(limit, name) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("gpu_worker.js", { type: "module" });
    const end = (settle) => (value) => {
      worker.terminate();
      settle(value);
    };
    worker.onmessage = ({ data }) => (data.error ? end(reject)(data.error) : end(resolve)(data));
    worker.onerror = end(reject);
    worker.postMessage({ limit, users: cases[name][0].users });
  });
}

window.bench = { ours, theirs, gpu };
