export default {
  // Workers that import.
  worker: { format: "es" },
  // Else the development server moves the scripts away from the programs and the model beside them.
  optimizeDeps: { exclude: ["user-attributes"] },
};
