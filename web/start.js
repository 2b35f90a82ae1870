// Starts the page's program. Trunk's preload links name its files and their digests, so the browser refuses files that differ
// from the build. The service worker checks the files that the program fetches later, so the page waits for it first. This is a
// file of its own because the page's Content-Security-Policy permits no inline script.
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
  // The next visit may be without a network.
  serviceWorker?.ready.then(({ active }) => active.postMessage("keep"));
} catch (error) {
  document.getElementById("app").textContent = `This page could not start: ${error?.message ?? error}. Load it again, or try a current browser.`;
  throw error;
}

/** Resolves when the service worker handles the page's requests. The page also works without one. */
async function guarded() {
  try {
    const known = await serviceWorker.getRegistration();
    const registered = serviceWorker.register("service_worker.js").catch(() => {});
    // An active one handles them already, unless the visitor has forced a reload past it.
    if (known?.active) return;
    await registered;
    const { active } = await serviceWorker.ready;
    const answers = new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    active.postMessage("guard");
    await answers;
  } catch {}
}
