export default {
  vite: { worker: { format: "es" }, optimizeDeps: { exclude: ["user-attributes"] } },
};
