/** When what is on the screen was fetched, if it comes from the copy kept for reading offline. */
export const kept = $state<{ at: string | null }>({ at: null });

/** Notes where an answer came from. */
export function noteSource(headers: Headers): void {
  kept.at = headers.get("X-Arise-Kept-At");
}
