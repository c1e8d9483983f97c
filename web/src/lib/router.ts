export type Params = Record<string, string>;

/** Matches `/t/c/:course` and the like; a trailing slash doesn't matter. */
export function matchPath(pattern: string, path: string): Params | null {
  const wanted = split(pattern);
  const given = split(path);
  if (wanted.length !== given.length) return null;
  const params: Params = {};
  for (const [i, part] of wanted.entries()) {
    const value = given[i]!;
    if (part.startsWith(":")) {
      const decoded = decode(value);
      if (decoded === null) return null;
      params[part.slice(1)] = decoded;
    } else if (part !== value) {
      return null;
    }
  }
  return params;
}

function split(path: string): string[] {
  return path.split("/").filter(Boolean);
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** A path of this site to go on to, or null for anything that could lead elsewhere. */
export function safeNext(next: string | null): string | null {
  if (!next || !/^\/(?![/\\])/.test(next) || next.startsWith("/login")) return null;
  try {
    const url = new URL(next, "http://here.invalid");
    return url.host === "here.invalid" ? url.pathname + url.search + url.hash : null;
  } catch {
    return null;
  }
}
