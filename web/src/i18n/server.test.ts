import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import hindi from "./hi/server";
import { sentences } from "./sentences";

const find = sentences(hindi, "hi-IN-u-nu-latn");

describe("sentences", () => {
  it("are found by themselves and by what is put into them", () => {
    expect(find("No session is open.")).toBe("कोई सत्र चालू नहीं है।");
    expect(find("“CS301” has the code “{code}” already. Choose another code.")).toBe("“CS301” का कोड पहले से “{code}” है। दूसरा कोड चुनें।");
    expect(find("Slot 12 belongs to Asha (B). Free it there first.")).toBe("स्लॉट 12 Asha (B) का है। पहले उसे वहाँ खाली करें।");
    expect(find("This is no sentence of the server.")).toBeNull();
  });

  it("look nouns up, and nothing that people typed", () => {
    expect(find("This session doesn't exist, or was deleted.")).toBe("यह सत्र मौजूद नहीं है, या हटाया जा चुका है।");
    expect(find("This semester has 4 courses. Move them to another semester, or delete them first.")).toContain("4 कोर्स");
    expect(find("session is listed twice.")).toBe("session दो बार है।");
  });
});

/** Said to other programs: scanners, nodes, older servers, and whoever writes a client or starts the program. */
const toPrograms = new Set([
  ...["address_taken", "bad_form", "bad_path", "bad_query", "crashed", "database_changed", "database_in_use", "database_newer"],
  ...["invalid_text", "method_not_allowed", "not_approved", "not_json", "not_signed", "replayed", "signature_wrong", "sync_key_unset"],
  ...["sync_unreadable", "too_many_scanners", "unreadable_body", "wrong_sync_key"],
]);
const forPrograms = /(device\/(older|trust|upload)|http\/src\/snapshot|sync\/(exchange|file|number))\.rs$/;

const crates = resolve(import.meta.dirname, "../../../crates");
const files = ["core", "store", "import", "link", "http", "sync"].flatMap((crate) => {
  const folder = join(crates, `arise-${crate}/src`);
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => join(folder, file));
});
const sources = files
  .filter((file) => file.endsWith(".rs"))
  .map((file) => ({ file, text: readFileSync(file, "utf8").split("#[cfg(test)]\nmod tests {")[0]! }));

const continued = /\\\n\s*/g;
const literal = /"((?:[^"\\]|\\[^])*)"/g;
/** A literal's text, with each placeholder as `{}`. */
const read = (written: string) => plain(written.replace(continued, "").replace(/\\(.)/g, "$1"));
const plain = (text: string) => text.replace(/\{[^}]*\}/g, "{}");

/** The literals up to the parenthesis that closes. */
function within(source: string, from: number): string[] {
  const found: string[] = [];
  let depth = 1;
  for (let at = from; depth > 0 && at < source.length; at++) {
    if (source[at] === "(") depth++;
    else if (source[at] === ")") depth--;
    else if (source[at] === '"') {
      literal.lastIndex = at;
      const [whole, text] = literal.exec(source)!;
      found.push(read(text!));
      at += whole.length - 1;
    }
  }
  return found;
}

describe("what the server says on screens", () => {
  const known = new Set(Object.keys(hindi).map(plain));

  it("is there in Hindi", () => {
    const missing = sources
      .filter(({ file }) => !forPrograms.test(file))
      .flatMap(({ text }) =>
        [...text.matchAll(/\bError::(?!internal)\w+\(|\b(?:tell|leave_out)\(/g)]
          .map((call) => within(text, call.index + call[0].length))
          .filter((literals) => !literals.some((word) => toPrograms.has(word)))
          .flat(),
      )
      .filter((text) => /[A-Za-z] /.test(text) && !known.has(text));
    expect(missing).toEqual([]);
  });

  it("is still said", () => {
    const all = sources.map(({ text }) => text.replace(continued, "")).join("\n");
    const stale = [...known].filter((text) => !text.split("{}").every((piece) => all.includes(piece)));
    expect(stale).toEqual([]);
  });

  it("keeps what was put in", () => {
    for (const [english, translation] of Object.entries(hindi)) {
      const wanted = new Set(english.match(/\{\w+\}/g));
      for (const name of translation.match(/\{\w+\}/g) ?? []) expect(wanted, english).toContain(name);
    }
  });
});
