// Reading offline: pages and what they last showed. Nothing is ever written from here.
"use strict";

const FILES = "arise-files-1";
const DATA = "arise-data-1";
const MOST_ANSWERS = 150;
// How long a network that says nothing is waited for, ms.
const PATIENCE = 6000;

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const names = await caches.keys();
      await Promise.all(names.filter((name) => name !== FILES && name !== DATA).map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (url.pathname.startsWith("/api/")) {
    // Whoever logs in or out next must not read what another person was shown.
    if (request.method === "POST" && /\/(login|logout|password)$/.test(url.pathname)) event.waitUntil(caches.delete(DATA));
    else if (isAnswer(request, url)) event.respondWith(answer(request));
    return;
  }
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(request, url));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(asset(request));
  else if (/\.(js|css|svg|png|webmanifest)$/.test(url.pathname)) event.respondWith(file(request));
});

/** Something to read again: not a stream, not what is true only now, not a file to save. */
function isAnswer(request, url) {
  return (
    request.method === "GET" &&
    (request.headers.get("Accept") || "").includes("application/json") &&
    !/\/(live|snapshot|status|export|health|config|check-expire)(\/|$)/.test(url.pathname)
  );
}

async function fromNetwork(request) {
  return fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
}

async function answer(request) {
  const data = await caches.open(DATA);
  let response;
  try {
    response = await fetch(request);
  } catch (error) {
    const known = await data.match(request.url);
    if (known) return known;
    throw error;
  }
  // When a login has ended, what it was shown goes with it.
  if (response.status === 401 || (await isNobody(request, response))) await caches.delete(DATA);
  else if (response.ok) await keep(data, request.url, response.clone());
  return response;
}

async function isNobody(request, response) {
  if (!response.ok || new URL(request.url).pathname !== "/api/session") return false;
  return (await response.clone().json().catch(() => null))?.role === null;
}

async function keep(data, url, response) {
  const headers = new Headers(response.headers);
  headers.set("X-Arise-Kept-At", new Date().toISOString());
  // The oldest comes first; what is fetched again goes to the end.
  await data.delete(url);
  await data.put(url, new Response(await response.blob(), { status: response.status, headers }));
  const kept = await data.keys();
  await Promise.all(kept.slice(0, Math.max(0, kept.length - MOST_ANSWERS)).map((old) => data.delete(old)));
}

/** Every address of a part of the site is shown by the same page. */
async function page(request, url) {
  const project = /^\/t\/s\/[^/]+\/project$/.test(url.pathname);
  const name = "/page:" + (project ? "project" : url.pathname.split("/")[1]);
  const files = await caches.open(FILES);
  try {
    const response = await fromNetwork(request);
    if (response.ok && !response.redirected) await files.put(name, response.clone());
    return response;
  } catch (error) {
    const known = await files.match(name);
    if (known) return known;
    throw error;
  }
}

/** The name has a hash of the content in it. */
async function asset(request) {
  const files = await caches.open(FILES);
  const known = await files.match(request.url);
  if (known) return known;
  const response = await fetch(request);
  if (response.ok) await files.put(request.url, response.clone());
  return response;
}

async function file(request) {
  const files = await caches.open(FILES);
  try {
    const response = await fromNetwork(request);
    if (response.ok) await files.put(request.url, response.clone());
    return response;
  } catch (error) {
    const known = await files.match(request.url);
    if (known) return known;
    throw error;
  }
}
