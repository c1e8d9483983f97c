import { tick } from "svelte";

let url = $state.raw(new URL(window.location.href));

/** Where we are. Reading it in a component follows it. */
export const here = {
  get path(): string {
    return url.pathname;
  },
  get query(): URLSearchParams {
    return url.searchParams;
  },
};

window.addEventListener("popstate", () => (url = new URL(window.location.href)));

/** Goes to a path of this page. Another page's path is loaded. */
export function go(to: string, { replace = false } = {}): void {
  const target = new URL(to, url);
  if (target.href === url.href) return;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  const newScreen = target.pathname !== url.pathname;
  url = target;
  if (newScreen) {
    window.scrollTo(0, 0);
    // Keyboard and screen reader users start at the new screen's heading, not at the link that is gone.
    void tick().then(() => document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true }));
  }
}

/** Changes one word of the query, so that a filter or tab survives reload and Back. */
export function setQuery(name: string, value: string | null): void {
  setQueries({ [name]: value });
}

/** Changes several words of the query at once. */
export function setQueries(changes: Record<string, string | null>): void {
  const target = new URL(url);
  for (const [name, value] of Object.entries(changes)) {
    if (value) target.searchParams.set(name, value);
    else target.searchParams.delete(name);
  }
  go(target.href, { replace: true });
}

/** Lets plain clicks on links of this page change the screen without loading; `owns` says which paths are ours. */
export function followLinks(owns: (path: string) => boolean): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest("a");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.hash && link.pathname === location.pathname) return;
    if (!owns(link.pathname)) return;
    event.preventDefault();
    go(link.href);
  });
}
