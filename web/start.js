// Starts the page's program. Trunk's preload links name its files and their digests, so the browser refuses files that differ
// from the build. The service worker checks the files that the program fetches later, so the page waits for it first. This is a
// file of its own because the page's Content-Security-Policy permits no inline script.
const PATIENCE_MS = 10_000;
const script = document.querySelector("link[rel=modulepreload]");
const program = document.querySelector("link[rel=preload][as=fetch]");
const serviceWorker = serviceWorkers();

// As Locale::negotiate (web/src/locale.rs) does.
if (/^zh/i.test(navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)))) {
  const [english, chinese] = document.getElementById("app").children;
  [english.hidden, chinese.hidden] = [true, false];
  document.documentElement.lang = chinese.lang;
  document.title = chinese.querySelector("h1").textContent;
}

try {
  await startNewest().catch(() => {});
  const [{ default: start }, response] = await Promise.all([
    checkedModule(script),
    fetch(program.href, { integrity: program.integrity }),
    painted(),
    Promise.race([guarded(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]),
  ]);
  await start({ module_or_path: response });
  offerNewVersions().catch(() => {});
  keep().catch(() => {});
} catch (error) {
  const notice = document.createElement("p");
  notice.lang = "en";
  // A screen reader announces it.
  notice.setAttribute("role", "alert");
  notice.textContent = `This page could not start: ${error?.message ?? error}. Load it again, or try a current browser.`;
  document.getElementById("app").replaceChildren(notice);
  throw error;
}

/** Resolves when the first view has been painted. In a tab that is not in sight nothing is painted. */
function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 100);
  });
}

/** A module, once the browser has checked its digest. WebKit does not check that of a preload link when it imports the module. */
async function checkedModule({ href, integrity }) {
  await new Promise((resolve, reject) => {
    const element = document.createElement("script");
    const failed = () => reject(new TypeError(`${href} is missing or not as it was built`));
    Object.assign(element, { type: "module", src: href, integrity, crossOrigin: "anonymous", onload: resolve, onerror: failed });
    document.head.append(element);
  });
  return import(href);
}

/** The browser's service workers. Where there may be none, as in a sandboxed frame, the property throws. */
function serviceWorkers() {
  try {
    return navigator.serviceWorker;
  } catch {
    return undefined;
  }
}

/** Resolves when the service worker handles the page's requests. The page also works without one. */
async function guarded() {
  try {
    const known = await serviceWorker.getRegistration();
    const registered = serviceWorker.register("service_worker.js").catch(() => {});
    // An active one handles them already, unless the visitor has forced a reload past it.
    if (known?.active) return;
    // Without a registration `ready` never resolves.
    if (!(await registered)) return;
    const { active } = await serviceWorker.ready;
    const answers = new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    active.postMessage("guard");
    await answers;
  } catch {}
}

/** Has the page kept, because the next visit may be without a network, and tells the page if the browser does not keep it. */
async function keep() {
  const registration = await serviceWorker?.getRegistration();
  const isKept = registration ? await ask((await serviceWorker.ready).active, "keep") : false;
  if (!isKept) dispatchEvent(new Event("notkept"));
}

/** The answer of a service worker. */
function ask(worker, message) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage(message, [port2]);
  });
}

/** Starts a version that waits, if this is the only tab. A file that the version before lacks may be gone from the server. */
async function startNewest() {
  const registration = await serviceWorker?.getRegistration();
  if (!registration?.waiting) return;
  // The version before stays until its answers have been read, and the browser has asked it for the program already.
  await (await fetch(program.href, { integrity: program.integrity })).arrayBuffer();
  await takeOver(registration.waiting, "take over if alone");
}

/** Asks a version that waits to take over, and then loads the page again. Resolves if it does not take over, or not soon. */
function takeOver(waiting, message) {
  return new Promise((resolve) => {
    waiting.addEventListener("statechange", () => {
      if (waiting.state === "activated") location.reload();
      if (waiting.state === "redundant") resolve();
    });
    ask(waiting, message).then(resolve);
    setTimeout(resolve, PATIENCE_MS);
  });
}

/** Tells the page of each new version, and starts it when the page asks for it (web/src/app/update.rs). */
async function offerNewVersions() {
  const registration = await serviceWorker?.getRegistration();
  if (!registration) return;
  const offer = () => dispatchEvent(new Event("newversion"));
  // One that is installed while another one is active waits.
  const watch = (worker) =>
    worker?.addEventListener("statechange", () => worker.state === "installed" && registration.active && offer());
  addEventListener("usenewversion", async (event) => {
    // Once all listeners were asked.
    await undefined;
    if (event.defaultPrevented) return;
    if (registration.waiting) await takeOver(registration.waiting, "take over");
    location.reload();
  });
  registration.addEventListener("updatefound", () => watch(registration.installing));
  watch(registration.installing);
  // The visitor has let it take over in another tab.
  if (serviceWorker.controller) serviceWorker.addEventListener("controllerchange", offer);
  if (registration.waiting) offer();
}
