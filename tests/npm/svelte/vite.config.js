import { svelte } from "@sveltejs/vite-plugin-svelte";

export default {
  plugins: [svelte()],
  worker: { format: "es" },
  optimizeDeps: { exclude: ["user-attributes"] },
};
