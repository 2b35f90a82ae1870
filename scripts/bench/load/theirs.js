import * as ort from "./ort/ort.wasm.min.mjs";
import { measure } from "./measure.js";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = "/ort/";

await measure(async () => {
  const session = await ort.InferenceSession.create("network.onnx", { executionProviders: ["wasm"] });
  return async ({ ids, lengths }) => {
    const shape = [Math.max(...lengths), lengths.length];
    const inputs = {
      ids: new ort.Tensor("int32", Int32Array.from(ids), shape),
      lengths: new ort.Tensor("int32", Int32Array.from(lengths), [lengths.length]),
    };
    const found = await session.run(inputs);
    return session.outputNames.map((name) => Array.from(found[name].data));
  };
});
