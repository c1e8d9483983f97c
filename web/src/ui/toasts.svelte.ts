export interface Toast {
  id: number;
  text: string;
  kind: "plain" | "bad";
  action?: { label: string; run: () => void } | undefined;
}

let next = 1;
const lifetimeMs = 7000;

export const toasts = $state<Toast[]>([]);

/** Says that something has happened, with a way to take it back. Never asks, never blocks. */
export function say(text: string, options: { kind?: Toast["kind"]; action?: Toast["action"] } = {}): void {
  const toast = { id: next++, text, kind: options.kind ?? "plain", action: options.action };
  // More than three at once are noise: the oldest goes.
  toasts.splice(0, Math.max(0, toasts.length - 2));
  toasts.push(toast);
  setTimeout(() => dismiss(toast.id), lifetimeMs);
}

export function dismiss(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}
