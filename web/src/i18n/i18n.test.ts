import { describe, expect, it } from "vitest";
import { format } from "./format";
import { accent } from "./pseudo";

const plural = "{n, plural, =0 {nobody} one {# student} other {# students}} in {course}";

describe("format", () => {
  it("fills in names and chooses plurals", () => {
    expect(format("Hello {name}", { name: "Asha" }, "en")).toBe("Hello Asha");
    expect(format(plural, { n: 0, course: "CS301" }, "en")).toBe("nobody in CS301");
    expect(format(plural, { n: 1, course: "CS301" }, "en")).toBe("1 student in CS301");
    expect(format(plural, { n: 1200, course: "CS301" }, "en")).toBe("1,200 students in CS301");
  });

  it("follows the language's own rules for plurals", () => {
    const message = "{n, plural, one {one} few {few} other {other}}";
    expect(["en", "hi", "pl"].map((tag) => format(message, { n: 0 }, tag))).toEqual(["other", "one", "other"]);
    expect(format(message, { n: 3 }, "pl")).toBe("few");
  });

  it("gives accents to a message and not to what was put in", () => {
    expect(format(plural, { n: 2, course: "CS301" }, "en", accent)).toBe(`2 ${accent("students in")} CS301`);
    const all = accent("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    expect(new Set(all).size).toBe(52);
    expect(all).not.toMatch(/[a-z]/i);
  });

  it("leaves text that was put in alone", () => {
    expect(format("{name}", { name: "{n} # <b>" }, "en")).toBe("{n} # <b>");
  });
});

type Catalogue = { default: Record<string, string> };
const english = import.meta.glob<Catalogue>("./en/*.ts", { eager: true });
const hindi = import.meta.glob<Catalogue>("./hi/*.ts", { eager: true });

/** The names a message wants, and whether its braces make sense. */
function placeholders(message: string): string[] {
  const names = new Set<string>();
  const vars = new Proxy({} as Record<string, number>, {
    get: (_, name) => {
      names.add(String(name));
      return 2;
    },
  });
  format(message, vars, "en");
  return [...names].sort();
}

describe.each(Object.keys(english))("catalogue %s", (path) => {
  const source = english[path]!.default;
  const translated = hindi[path.replace("/en/", "/hi/")]?.default ?? {};

  it("is complete in Hindi, with the same placeholders", () => {
    expect(Object.keys(translated).sort()).toEqual(Object.keys(source).sort());
    for (const [key, message] of Object.entries(source)) {
      expect(placeholders(translated[key]!), key).toEqual(placeholders(message));
    }
  });
});
