import { inflateSync } from "node:zlib";

export interface PaperPage {
  /** Millimetres, as printed: `210 × 297`. */
  size: string;
  /** What can be read on it, without blanks. */
  text: string;
}

/** The pages of a PDF as Chromium writes it. */
export function pagesOf(pdf: Buffer): PaperPage[] {
  const objects = new Map<string, string>();
  for (const [, id, body] of pdf.toString("latin1").matchAll(/(\d+) 0 obj\b([\s\S]*?)endobj/g)) objects.set(id!, body!);
  const stream = (id: string): string => {
    const body = objects.get(id)!;
    const start = /stream\r?\n/.exec(body)!;
    const data = body.slice(start.index + start[0].length, body.lastIndexOf("endstream"));
    return /FlateDecode/.test(body.slice(0, start.index)) ? inflateSync(Buffer.from(data, "latin1")).toString("latin1") : data;
  };
  const fonts = new Map<string, Map<string, string>>();
  const lettersOf = (id: string): Map<string, string> => {
    const known = fonts.get(id);
    if (known) return known;
    const letters = new Map<string, string>();
    fonts.set(id, letters);
    const cmap = /\/ToUnicode (\d+) 0 R/.exec(objects.get(id)!)?.[1];
    if (cmap) readLetters(stream(cmap), letters);
    return letters;
  };
  return [...objects.values()]
    .filter((body) => /\/Type\s*\/Page\b/.test(body))
    .map((body) => {
      const [, width, height] = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(body)!;
      const mm = (points: string) => Math.round((Number(points) * 25.4) / 72);
      const named = new Map([...body.matchAll(/\/(F\d+) (\d+) 0 R/g)].map(([, name, id]) => [name!, id!]));
      let letters = new Map<string, string>();
      let text = "";
      for (const [, font, glyphs] of stream(/\/Contents (\d+) 0 R/.exec(body)![1]!).matchAll(/\/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>/g)) {
        if (font) letters = lettersOf(named.get(font)!);
        else for (const glyph of glyphs!.match(/.{4}/g) ?? []) text += letters.get(glyph.toUpperCase()) ?? "";
      }
      return { size: `${mm(width!)} × ${mm(height!)}`, text: text.replace(/\s+/g, "") };
    });
}

/** Which letters a font's glyphs stand for. */
function readLetters(cmap: string, letters: Map<string, string>): void {
  const hex = (n: number) => n.toString(16).toUpperCase().padStart(4, "0");
  const utf16 = (code: string) => Buffer.from(code, "hex").swap16().toString("utf16le");
  for (const [, block] of cmap.matchAll(/beginbfchar([\s\S]*?)endbfchar/g)) {
    for (const [, glyph, code] of block!.matchAll(/<(\w+)>\s*<(\w+)>/g)) letters.set(glyph!.toUpperCase(), utf16(code!));
  }
  for (const [, block] of cmap.matchAll(/beginbfrange([\s\S]*?)endbfrange/g)) {
    for (const [, first, last, code] of block!.matchAll(/<(\w+)>\s*<(\w+)>\s*<(\w+)>/g)) {
      for (let glyph = parseInt(first!, 16), n = 0; glyph <= parseInt(last!, 16); glyph++, n++) {
        letters.set(hex(glyph), utf16(hex(parseInt(code!, 16) + n)));
      }
    }
  }
}
