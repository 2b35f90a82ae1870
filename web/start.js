// Starts the page's program, which Trunk's preload links name, with digests: what is not as it was built is not run. What
// the program fetches is checked by the service worker, which the page waits for. A file of its own: the page's
// Content-Security-Policy permits no script within it.
const PATIENCE_MS = 10_000;
const script = document.querySelector("link[rel=modulepreload]");
const program = document.querySelector("link[rel=preload][as=fetch]");
const { serviceWorker } = navigator;

try {
  const [{ default: start }, response] = await Promise.all([
    import(script.href),
    fetch(program.href, { integrity: program.integrity }),
    Promise.race([guarded(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]),
  ]);
  await start({ module_or_path: response });
  // For the next visit, which may be without a network.
  serviceWorker?.ready.then(({ active }) => active.postMessage("keep"));
} catch (error) {
  document.getElementById("app").textContent = `This page could not start: ${error?.message ?? error}. Load it again, or try a current browser.`;
  throw error;
}

/** Until the service worker answers for the page. Where there is none the page works all the same. */
async function guarded() {
  try {
    const known = await serviceWorker.getRegistration();
    const registered = serviceWorker.register("service_worker.js").catch(() => {});
    // It answers already, or is passed by who reloads past all that is kept.
    if (known?.active) return;
    await registered;
    const { active } = await serviceWorker.ready;
    const answers = new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    active.postMessage("guard");
    await answers;
  } catch {}
}
