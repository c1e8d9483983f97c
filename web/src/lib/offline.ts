import { trustedUrl } from "./trusted-url";

/**
 * Keeps pages and what they last showed readable without network, where the browser allows it: on HTTPS and on this machine.
 * On a plain-HTTP address of the classroom's network there is no such thing, and nothing depends on it.
 */
export function keepForOffline(): void {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
  // Without it everything works but reading offline.
  void navigator.serviceWorker.register(trustedUrl("/sw.js")).catch(() => {});
}
