// A prediction on WebGPU: its time and its number of dispatches. A `limit` lowers the adapter's reported maximum of workgroups
// per dimension below the number of texts, so that the reference LSTM runs.
onmessage = async ({ data: { limit, users } }) => {
  try {
    let dispatches = 0;
    const { prototype } = GPUComputePassEncoder;
    for (const name of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"]) {
      const dispatch = prototype[name];
      prototype[name] = function (...counts) {
        dispatches += 1;
        return dispatch.apply(this, counts);
      };
    }
    if (limit) {
      const { get } = Object.getOwnPropertyDescriptor(GPUSupportedLimits.prototype, "maxComputeWorkgroupsPerDimension");
      Object.defineProperty(GPUSupportedLimits.prototype, "maxComputeWorkgroupsPerDimension", {
        get() {
          return Math.min(get.call(this), limit);
        },
      });
    }
    const program = await import("/dist/widget/gpu.js");
    await program.default();
    const gpu = await program.open((message) => postMessage({ error: message }));
    const bundle = await (await fetch("/dist/widget/models/en.safetensors")).arrayBuffer();
    const model = gpu.load(new Uint8Array(bundle));
    // Without hashes, which would make a set of these users.
    const request = JSON.stringify([users, null]);
    // The first compiles the shaders.
    await model.predict(request);
    dispatches = 0;
    const start = performance.now();
    const [predictions] = JSON.parse(await model.predict(request));
    postMessage({ ms: performance.now() - start, dispatches, predictions });
  } catch (error) {
    postMessage({ error: String(error?.message ?? error) });
  }
};
