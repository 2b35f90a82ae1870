/** Fetches and starts the WebGPU program. It is large, so it is fetched only when it is needed. */
export async function fetchGpu() {
  const gpu = await import("./gpu.js");
  await gpu.default();
  return gpu;
}
