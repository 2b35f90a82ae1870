// Keeps the page for when there is no network. What stands above this line in the built page is written by
// scripts/finish_page.sh: VERSION, which every change of any file changes, and FILES, all that the page is made of, with
// their digests.
//
// A version is fetched as a whole and takes over when no tab shows an older one, so that no tab mixes two.
const CACHE = `page ${VERSION}`;
/** What most visitors never need is kept once it was used. */
const ON_DEMAND =
  /^embed\.|^widget\/(gpu|dictionary\/|models\/(?!en\.|list\.)|user-attributes|style\.|strings\.|package\.|.*\.(d\.ts|md)$)/;

addEventListener("install", (event) => {
  const keep = [...FILES.keys()].filter((file) => !ON_DEMAND.test(file)).map(whole);
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(keep)));
});

addEventListener("activate", (event) => {
  const remove = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(remove));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const file = request.url.split(/[?#]/)[0].slice(registration.scope.length) || "./";
  if (request.method !== "GET" || !request.url.startsWith(registration.scope)) return;
  if (FILES.has(file)) event.respondWith(answer(file));
});

/** Past the browser's cache, which may still hold another version's, and refused where it is not as it was built. */
function whole(file) {
  return new Request(file, { cache: "no-cache", integrity: FILES.get(file) });
}

async function answer(file) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(file);
  if (kept) return kept;
  const response = await fetch(whole(file));
  if (response.ok) await cache.put(file, response.clone());
  return response;
}
