// Hands out the page's files as they were built and nothing else, and keeps them for when there is no network. What stands
// above this line in the built page is written by scripts/finish_page.sh: VERSION, which every change of any file changes,
// and FILES, all that the page is made of, with their digests.
//
// A newer version is fetched as a whole and takes over when no tab shows an older one, so that no tab mixes two.
const CACHE = `page ${VERSION}`;
/** What most visitors never need is kept once it was used. */
const ON_DEMAND =
  /^embed\.|^widget\/(gpu|dictionary\/|models\/(?!en\.|list\.)|index\.|user-attributes|style\.|strings\.|package\.|.*\.(d\.ts|md)$)/;
/** By file, the end of what is under way with it: a file is fetched once, however many ask for it. */
const busy = new Map();

addEventListener("install", (event) => {
  // At the first visit the page waits for this worker, and asks for its files itself.
  if (registration.active) event.waitUntil(keepAll());
});

addEventListener("activate", (event) => {
  const remove = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(remove));
});

// From web/start.js.
addEventListener("message", (event) => {
  event.waitUntil(event.data === "guard" ? clients.claim() : keepAll());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const file = fileOf(request);
  if (request.method !== "GET" || !request.url.startsWith(registration.scope) || !FILES.has(file)) return;
  event.respondWith(answer(file, request.referrer));
  event.waitUntil(busy.get(file));
});

async function keepAll() {
  const used = await everKept();
  const wanted = [...FILES.keys()].filter((file) => used.has(file) || !ON_DEMAND.test(file));
  await Promise.all(
    wanted.map(async (file) => {
      const response = await answer(file);
      if (!response.ok) throw new TypeError(`${file}: the server answers ${response.status}`);
      await response.arrayBuffer();
      await busy.get(file);
    }),
  );
}

/** The files that an older version keeps too: who used one then finds it without a network now. */
async function everKept() {
  const all = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
  const requests = (await Promise.all(all.map((cache) => cache.keys()))).flat();
  return new Set(requests.map(fileOf));
}

/** What a request is for, as FILES names it. */
function fileOf({ url }) {
  return url.split(/[?#]/)[0].slice(registration.scope.length) || "./";
}

/** A file, kept or fetched. */
function answer(file, referrer) {
  const turn = (busy.get(file) ?? Promise.resolve()).then(() => find(file, referrer));
  busy.set(file, turn.then(({ keeping }) => keeping).catch(() => {}));
  return turn.then(({ response }) => response);
}

async function find(file, referrer) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(file);
  if (kept) return { response: kept };
  // Past the browser's cache, which may still hold another version's.
  const response = await fetch(file, { cache: "no-cache", referrer });
  if (!response.ok) return { response };
  const checked = check(file, response);
  return { response: checked, keeping: cache.put(file, checked.clone()) };
}

/**
 * The file as it arrives, so that it is seen how far it is. Where it is not as it was built its end never comes, and
 * without that no browser runs a script or a program.
 */
function check(file, response) {
  const pieces = [];
  const checking = new TransformStream({
    transform(piece, out) {
      pieces.push(piece);
      out.enqueue(piece);
    },
    async flush() {
      const digest = await crypto.subtle.digest("SHA-256", await new Blob(pieces).arrayBuffer());
      if (`sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}` === FILES.get(file)) return;
      const message = `${file} is not as it was built`;
      console.error(message);
      throw new TypeError(message);
    },
  });
  return new Response(response.body.pipeThrough(checking), response);
}
