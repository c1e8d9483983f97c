/** What a message's placeholders want, read from its text: `{name}` and `{count, plural, …}`. */
export type Vars<S extends string> = string extends S ? Record<string, string | number> : { [K in Names<S>]: string | number };

type Names<S extends string> = S extends `${string}{${infer Rest}`
  ? Rest extends `${infer Name},${string}`
    ? Plain<Name> | ShortName<Rest> | Names<Rest>
    : ShortName<Rest> | Names<Rest>
  : never;
type ShortName<S extends string> = S extends `${infer Name}}${string}` ? Plain<Name> : never;
type Plain<S extends string> = S extends `${string}${" " | "#" | "{" | "," | "}" | "."}${string}` ? never : S;

type Part = string | { name: string } | { name: string; branches: Map<string, Part[]> } | "#";

const parsed = new Map<string, Part[]>();

/**
 * The part of ICU MessageFormat that the catalogues use: `{name}`, and
 * `{count, plural, =0 {none} one {# student} other {# students}}`.
 */
export function format(
  message: string,
  vars: Record<string, string | number>,
  tag: string,
  /** What becomes of the message's own text. */
  write: (text: string) => string = asItIs,
): string {
  if (!message.includes("{")) return write(message);
  let parts = parsed.get(message);
  if (!parts) {
    parts = new Parser(message).parse();
    parsed.set(message, parts);
  }
  return render(parts, vars, tag, "", write);
}

const asItIs = (text: string) => text;

function render(
  parts: Part[],
  vars: Record<string, string | number>,
  tag: string,
  hash: string,
  write: (text: string) => string,
): string {
  let text = "";
  for (const part of parts) {
    if (part === "#") {
      text += hash;
    } else if (typeof part === "string") {
      text += write(part);
    } else {
      const value = vars[part.name] ?? `{${part.name}}`;
      if ("branches" in part) {
        const branch = choose(part.branches, Number(value), tag);
        text += render(branch, vars, tag, number(Number(value), tag), write);
      } else {
        text += typeof value === "number" ? number(value, tag) : value;
      }
    }
  }
  return text;
}

function choose(branches: Map<string, Part[]>, value: number, tag: string): Part[] {
  return branches.get(`=${value}`) ?? branches.get(pluralRules(tag).select(value)) ?? branches.get("other") ?? [];
}

const rules = new Map<string, Intl.PluralRules>();
function pluralRules(tag: string): Intl.PluralRules {
  let found = rules.get(tag);
  if (!found) rules.set(tag, (found = new Intl.PluralRules(tag)));
  return found;
}

const numbers = new Map<string, Intl.NumberFormat>();
export function number(value: number, tag: string): string {
  let found = numbers.get(tag);
  if (!found) numbers.set(tag, (found = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 })));
  return found.format(value);
}

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  parse(inPlural = false): Part[] {
    const parts: Part[] = [];
    let plain = "";
    const flush = () => {
      if (plain) parts.push(plain);
      plain = "";
    };
    while (this.at < this.text.length && this.text[this.at] !== "}") {
      const char = this.text[this.at++]!;
      if (char === "{") {
        flush();
        parts.push(this.placeholder());
      } else if (char === "#" && inPlural) {
        flush();
        parts.push("#");
      } else {
        plain += char;
      }
    }
    flush();
    return parts;
  }

  private placeholder(): Part {
    const name = this.until(/[,}]/);
    if (this.text[this.at++] === "}") return { name };
    const kind = this.until(/,/);
    if (kind !== "plural") throw new Error(`unknown placeholder kind in “${this.text}”`);
    this.at++;
    const branches = new Map<string, Part[]>();
    while (this.at < this.text.length) {
      const key = this.until(/[{}]/);
      if (this.text[this.at++] === "}") break;
      branches.set(key, this.parse(true));
      this.at++;
    }
    return { name, branches };
  }

  private until(stop: RegExp): string {
    const start = this.at;
    while (this.at < this.text.length && !stop.test(this.text[this.at]!)) this.at++;
    return this.text.slice(start, this.at).trim();
  }
}
