import { locale, translation } from "./locale.svelte";
import { sentences } from "./sentences";

const known = translation(() => import("./hi/server"));

let reader: { of: object; find: (text: string) => string | null } | null = null;

/** What the server said, which says it in English, in the language of the screen; as it came when that isn't known. */
export function said(text: string): string {
  const messages = known();
  if (!messages) return text;
  if (reader?.of !== messages) reader = { of: messages, find: sentences(messages, locale.tag) };
  return reader.find(text) ?? text;
}
