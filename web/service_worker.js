// The service worker: it serves the page's files, refuses a file that differs from the build, and keeps the files so that the
// page works without a network.
//
// In the built page, scripts/finish_page.sh writes two constants above this line: VERSION, which changes with every file, and
// FILES, the digest of each file of the page.
//
// A new version is fetched as a whole. It takes over when no tab shows the old one, so that no tab mixes files of two versions.
// The old one may be unable to fetch the files that it lacks, because the server has others by then. So it takes over at once
// if a visitor asks for it, or reloads the only tab (web/start.js).
const CACHE = `page ${VERSION}`;
/** Opened once: another version may have deleted it since, and to open it again would leave an empty one behind. */
const cache = open(CACHE);
/** Resolves when the caches of other versions are deleted, once this one is active. */
let tidy = Promise.resolve();
/** Files that most visitors never need. They are kept after their first use. */
const ON_DEMAND =
  /^embed\.|^reader\/|^widget\/(gpu|chinese|dictionary\/|models\/(?!en\.|list\.)|index\.|element\.|react\.|user-attributes|style\.|locale\.|messages\.|tokens\.|package\.|.*\.(d\.ts|md)$)/;
/** For each file a promise that settles when the file is kept. Requests wait for it, so that no file is fetched twice. */
const busy = new Map();

addEventListener("install", (event) => {
  // On the first visit the page requests its files itself, and waits for this worker first.
  if (registration.active) event.waitUntil(keepAll());
});

addEventListener("activate", (event) => {
  const remove = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  // Where the browser refuses to store anything, there are none.
  tidy = caches.keys().then(remove, () => {});
  event.waitUntil(tidy);
});

// Sent by web/start.js.
addEventListener("message", (event) => {
  const { data, ports } = event;
  const act = {
    guard: () => clients.claim(),
    // It fails where a file is not served as it was built.
    keep: async () => ports[0]?.postMessage(await keepAll().catch(() => false)),
    "take over": () => skipWaiting(),
    "take over if alone": () => takeOverIfAlone(ports[0]),
  };
  event.waitUntil(act[data]?.());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const file = fileOf(request);
  if (request.method !== "GET" || !request.url.startsWith(registration.scope) || !FILES.has(file)) return;
  event.respondWith(answer(file, request.referrer));
  event.waitUntil(busy.get(file));
});

/** Takes over from the version before, unless it has more than one tab. Then it says so. */
async function takeOverIfAlone(port) {
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const tabs = windows.filter(({ url }) => url.startsWith(registration.scope));
  if (tabs.length > 1) port.postMessage("not alone");
  else await skipWaiting();
}

/** The cache of this name, or undefined where the browser refuses to store anything. The page then works, but is not kept. */
async function open(name) {
  try {
    return await caches.open(name);
  } catch {
    return undefined;
  }
}

/** Keeps the files that most visitors need, and those that were used before. False if the browser does not keep them all. */
async function keepAll() {
  const own = await cache;
  const used = await everKept();
  const wanted = [...FILES.keys()].filter((file) => used.has(file) || !ON_DEMAND.test(file));
  const kept = await Promise.all(
    wanted.map(async (file) => {
      const response = await answer(file);
      if (!response.ok) throw new TypeError(`${file}: the server answers ${response.status}`);
      await response.arrayBuffer();
      await busy.get(file);
      return (await own?.match(file)) !== undefined;
    }),
  );
  return kept.every(Boolean);
}

/** The files that any version has kept: a visitor who used one of them expects it to work without a network. */
async function everKept() {
  await tidy;
  const names = await caches.keys().catch(() => []);
  const others = names.filter((name) => name !== CACHE);
  const all = await Promise.all([cache, ...others.map(open)]);
  const requests = (await Promise.all(all.map((cache) => cache?.keys() ?? []))).flat();
  return new Set(requests.map(fileOf));
}

/** The name of a requested file in FILES. */
function fileOf({ url }) {
  return url.split(/[?#]/)[0].slice(registration.scope.length) || "./";
}

/** Asks the server for a newer version of this worker, which may be why a file is gone or differs from the build. */
function lookForNewVersion() {
  return registration.update().catch(() => {});
}

/** A file, from the cache or from the server. */
function answer(file, referrer) {
  const turn = (busy.get(file) ?? Promise.resolve()).then(() => find(file, referrer));
  busy.set(file, turn.then(({ keeping }) => keeping).catch(lookForNewVersion));
  return turn.then(({ response }) => response);
}

async function find(file, referrer) {
  const own = await cache;
  const kept = await own?.match(file);
  if (kept) return { response: kept };
  // Not from the browser's cache, which may still hold the file of another version.
  const response = await fetch(file, { cache: "no-cache", referrer });
  if (!response.ok) return { response, keeping: lookForNewVersion() };
  const checked = check(file, response);
  return { response: checked, keeping: own && keep(own, file, checked.clone()) };
}

/** Keeps a file. Where the storage is full, Firefox may keep a part of it and report no error. */
async function keep(own, file, response) {
  try {
    await own.put(file, response);
  } finally {
    const kept = await own.match(file);
    if (kept && !(await isAsBuilt(file, await kept.arrayBuffer()))) await own.delete(file);
  }
}

async function isAsBuilt(file, bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}` === FILES.get(file);
}

/**
 * Passes the file on as it arrives, so that the page can show progress. If its digest is wrong, the stream ends with an
 * error in place of its end, and no browser runs a script or a program without its end.
 */
function check(file, response) {
  const pieces = [];
  const checking = new TransformStream({
    transform(piece, out) {
      pieces.push(piece);
      out.enqueue(piece);
    },
    async flush() {
      if (await isAsBuilt(file, await new Blob(pieces).arrayBuffer())) return;
      const message = `${file} is not as it was built`;
      console.error(message);
      throw new TypeError(message);
    },
  });
  return new Response(response.body.pipeThrough(checking), response);
}
