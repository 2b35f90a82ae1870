/** The program for WebGPU, ready to be opened. It is large, and fetched only when it is wanted. */
export async function fetchGpu() {
  const gpu = await import("./gpu.js");
  await gpu.default();
  return gpu;
}
