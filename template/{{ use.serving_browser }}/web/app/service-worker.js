/* Keeps one whole version of the app: every file is fetched, held against its hash, and then served
   from here. A newer version waits until the page asks for it, so that no page mixes two. */

importScripts("files.js"); // self.APP: {version, files: {path: integrity}}

const PREFIX = `app ${self.registration.scope} `;
const CACHE = PREFIX + self.APP.version;

self.addEventListener("install", (event) => event.waitUntil(fetchAll()));
self.addEventListener("activate", (event) => event.waitUntil(tidy()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === self.location.origin) {
    event.respondWith(answer(event.request));
  }
});
self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

async function fetchAll() {
  const cache = await caches.open(CACHE);
  const load = async ([path, integrity]) => {
    const answer = await fetch(new Request(path, { cache: "no-cache", integrity }));
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    await cache.put(path, answer);
  };
  await Promise.all(Object.entries(self.APP.files).map(load));
}

async function tidy() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function answer(request) {
  const cache = await caches.open(CACHE);
  const wanted = request.mode === "navigate" ? "index.html" : request;
  return (await cache.match(wanted, { ignoreSearch: true })) ?? fetch(request);
}
