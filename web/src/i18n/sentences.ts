import { format } from "./format";

interface Sentence {
  pattern: RegExp;
  names: string[];
  translation: string;
}

/**
 * Looks sentences up by their English text, as gettext does. A key may hold placeholders, which stand for whatever is
 * there; what stands for `{noun}` is looked up in turn. Answers nothing for a sentence that isn't known.
 */
export function sentences(known: Record<string, string>, tag: string): (text: string) => string | null {
  const patterns = Object.entries(known)
    .filter(([english]) => english.includes("{"))
    .map(([english, translation]) => sentence(english, translation));

  return function find(text: string): string | null {
    const same = known[text];
    if (same !== undefined && !text.includes("{")) return same;
    for (const { pattern, names, translation } of patterns) {
      const found = pattern.exec(text);
      if (!found) continue;
      const vars = Object.fromEntries(names.map((name, i) => [name, found[i + 1] ?? ""]));
      if (vars.noun !== undefined) vars.noun = find(vars.noun) ?? vars.noun;
      return format(translation, vars, tag);
    }
    return null;
  };
}

function sentence(english: string, translation: string): Sentence {
  const names: string[] = [];
  const pattern = english
    .split(/(\{\w+\})/)
    .map((part) => {
      if (!/^\{\w+\}$/.test(part)) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      names.push(part.slice(1, -1));
      return "(.+?)";
    })
    .join("");
  return { pattern: new RegExp(`^${pattern}$`, "s"), names, translation };
}
