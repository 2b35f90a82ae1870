// The programs that the worker fetches when it first needs them.

/** Fetches and starts the program for WebGPU. It is large. */
export async function fetchGpu() {
  const gpu = await import("./gpu.js");
  await gpu.default();
  return gpu;
}

/**
 * Fetches and starts the program that segments Chinese.
 * @param {Uint8Array} [bytes] The program, where `fetch` cannot read it.
 */
export async function fetchChinese(bytes) {
  const chinese = await import("./chinese.js");
  await chinese.default(bytes && { module_or_path: bytes });
  return chinese;
}
