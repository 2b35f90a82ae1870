// Rollup and esbuild leave the addresses of files as they are. This copies the files to where the bundle looks for them.
import { cpSync } from "node:fs";

const names = ["start_worker.js", "on_demand.js", "worker.js", "worker_bg.wasm", "chinese.js", "chinese_bg.wasm", "gpu.js", "gpu_bg.wasm", "models", "dictionary", "ethics.html"];
const folder = import.meta.resolve("user-attributes");
for (const name of names) {
  cpSync(new URL(name, folder), new URL(`dist/${name}`, import.meta.url), { recursive: true });
}
