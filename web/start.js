// Starts the page's program, which Trunk names below by its content. A file of its own: the page's Content-Security-Policy
// permits no script within it.
const { content, dataset } = document.querySelector("meta[name=program]");
try {
  const { default: start } = await import(new URL(content, document.baseURI));
  await start({ module_or_path: new URL(dataset.wasm, document.baseURI) });
  // For the next visit, which may be without a network. Without it the page works all the same.
  navigator.serviceWorker?.register("service_worker.js").catch(() => {});
} catch (error) {
  document.getElementById("app").textContent = `This page could not start: ${error?.message ?? error}. Load it again, or try a current browser.`;
  throw error;
}
