import { parse, type AST } from "svelte/compiler";
import { expect, it } from "vitest";

const sources = import.meta.glob<string>(["../**/*.svelte", "!../dev/**"], { query: "?raw", import: "default", eager: true });

/** Read by people when they stand in these attributes. */
const shownAttributes = new Set(["alt", "aria-label", "aria-description", "label", "placeholder", "title", "legend"]);
/** The product's name, and what is the same in every language. */
const anyLanguage = /\b(arise|dBm|xlsx)\b/g;

function textsOf(source: string): string[] {
  const found: string[] = [];
  const look = (text: string) => {
    if (/\p{L}/u.test(text.replace(anyLanguage, ""))) found.push(text.trim());
  };
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const each of node) walk(each);
      return;
    }
    if (typeof node !== "object" || node === null) return;
    const { type } = node as { type?: string };
    if (type === "StyleDirective") return;
    if (type === "Text") {
      look((node as AST.Text).data);
      return;
    }
    if (type === "Attribute") {
      const { name, value } = node as AST.Attribute;
      if (Array.isArray(value)) {
        for (const part of value) {
          if (part.type === "Text" && shownAttributes.has(name)) look(part.data);
          else if (part.type !== "Text") walk(part);
        }
      } else if (value !== true) {
        walk(value);
      }
      return;
    }
    for (const [key, value] of Object.entries(node)) if (key !== "parent") walk(value);
  };
  walk(parse(source, { modern: true }).fragment);
  return found;
}

it("finds what would stay English", () => {
  expect(textsOf('<p title="Close">{t("x")} · 5% <b>Save</b></p><img alt={t("y")} class="big" />')).toEqual(["Close", "Save"]);
});

it("no text for people stands in a component", () => {
  const found = Object.entries(sources).flatMap(([path, source]) => textsOf(source).map((text) => `${path}: ${text}`));
  expect(found).toEqual([]);
});
