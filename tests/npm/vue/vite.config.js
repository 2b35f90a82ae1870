import vue from "@vitejs/plugin-vue";

const isCustomElement = (tag) => tag === "user-attributes";

export default {
  plugins: [vue({ template: { compilerOptions: { isCustomElement } } })],
  worker: { format: "es" },
  optimizeDeps: { exclude: ["user-attributes"] },
};
