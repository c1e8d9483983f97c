import { onDestroy } from "svelte";

// One timer for every countdown on the page, and the server's clock instead of the browser's.
let skew = 0;
let tick = $state(Date.now());
let users = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Tells what time the server has now; browsers in classrooms are minutes off. */
export function setServerTime(iso: string): void {
  const server = Date.parse(iso);
  if (!Number.isNaN(server)) skew = server - Date.now();
  tick = Date.now() + skew;
}

/** The server's time in milliseconds, without following it. */
export function serverNow(): number {
  return Date.now() + skew;
}

/** A clock that a component follows: `clock.now` moves every second while the component is there. */
export function useClock(): { readonly now: number } {
  if (users++ === 0) {
    tick = Date.now() + skew;
    timer = setInterval(() => (tick = Date.now() + skew), 1000);
  }
  onDestroy(() => {
    if (--users === 0) clearInterval(timer);
  });
  return {
    get now() {
      return tick;
    },
  };
}
