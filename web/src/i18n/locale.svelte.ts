import { format, number, type Vars } from "./format";
import { stored } from "../lib/stored";
import { accent } from "./pseudo";

export type Language = "en" | "hi";
export const languages: { code: Language; name: string }[] = [
  { code: "en", name: "English" },
  { code: "hi", name: "हिन्दी" },
];

type Messages = Record<string, string>;
type Translations<M extends Messages> = { [K in keyof M]: string };

interface Entry {
  load: () => Promise<Messages>;
  hindi: Messages | null;
}

/** Chosen by tests alone; in what people get there is no such language. */
const pseudo = "pseudo";

const preference = stored<Language | typeof pseudo>(
  "arise.language",
  (value) => languages.some(({ code }) => code === value) || (__PSEUDO__ && value === pseudo),
);
const entries: Entry[] = [];

let current = $state<Language>("en");
let accents = false;
// Counts up when a translation arrives, so that texts already on screen are written again.
let arrivals = $state(0);

export const locale = {
  get language(): Language {
    return current;
  },
  /** The BCP 47 tag for dates, numbers and plurals. Digits stay Latin: roll numbers and codes are. */
  get tag(): string {
    return tagOf(current);
  },
};

function tagOf(language: Language): string {
  // Names of months and the like come from the browser; in another script they aren't taken for ours.
  if (language === "hi" || accents) return "hi-IN-u-nu-latn";
  const own = typeof navigator === "undefined" ? "" : navigator.language;
  return own.startsWith("en-") ? own : "en-IN";
}

/** Loads what the language needs and switches to it. English is always there and needs nothing. */
export async function setLanguage(language: Language): Promise<void> {
  if (language !== "en") await Promise.all(entries.map(arrive));
  current = language;
  preference.set(language);
  document.documentElement.lang = language;
}

/** Brings the page up in the language chosen on this device, or the browser's. */
export async function startLanguage(): Promise<void> {
  const kept = preference.get();
  if (__PSEUDO__ && kept === pseudo) {
    accents = true;
    return;
  }
  const wanted = kept === "en" || kept === "hi" ? kept : (navigator.language.startsWith("hi") ? "hi" : "en");
  try {
    await setLanguage(wanted);
  } catch {
    // The translation could not be fetched; English is better than nothing.
    document.documentElement.lang = "en";
  }
}

async function arrive(entry: Entry): Promise<void> {
  if (entry.hindi) return;
  entry.hindi = await entry.load();
  arrivals++;
}

function register(load: () => Promise<{ default: Messages }>): Entry {
  const entry: Entry = { load: async () => (await load()).default, hindi: null };
  entries.push(entry);
  // A screen that is loaded later than the choice of language brings its own messages along.
  if (current !== "en") void arrive(entry);
  return entry;
}

/** Messages of the language that was chosen; nothing while that is English. */
export function translation(load: () => Promise<{ default: Messages }>): () => Messages | null {
  const entry = register(load);
  return () => {
    void arrivals;
    return current === "hi" ? entry.hindi : null;
  };
}

/** A set of messages and the function that looks one up. `t("key")` is checked against the English text. */
export function catalogue<const M extends Messages>(english: M, load: () => Promise<{ default: Translations<M> }>) {
  const entry = register(load);

  return function t<K extends keyof M & string>(
    key: K,
    ...[vars]: keyof Vars<M[K]> extends never ? [] : [Vars<M[K]>]
  ): string {
    void arrivals;
    if (__PSEUDO__ && accents) return format(english[key] ?? key, vars ?? {}, locale.tag, accent);
    const message = (current === "hi" && entry.hindi?.[key]) || english[key];
    return format(message ?? key, vars ?? {}, locale.tag);
  };
}

export function formatNumber(value: number): string {
  return number(value, locale.tag);
}
