import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

/** The most a page may weigh, in gzipped kilobytes, whatever of it is loaded lazily included. */
const jsBars: Record<string, number> = { login: 60, student: 60, projector: 35, teacher: 85, admin: 110, help: 35 };
const cssBar = 15;

/** Prints what each page weighs and fails the build when one has grown over its bar. */
export function bundleBars(): Plugin {
  return {
    name: "bundle-bars",
    apply: "build",
    writeBundle(_options, bundle) {
      const over: string[] = [];
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk" || !chunk.isEntry || !chunk.facadeModuleId?.endsWith(".html")) continue;
        const page = basename(chunk.facadeModuleId, ".html");
        const files = reachable(chunk, bundle);
        const js = weigh(files.js, bundle);
        const css = weigh(files.css, bundle);
        const jsBar = jsBars[page];
        if (jsBar === undefined) continue;
        console.log(
          `${page.padEnd(10)} js ${js.toFixed(1).padStart(6)} / ${jsBar} KB   css ${css.toFixed(1).padStart(5)} / ${cssBar} KB  (gzip)`,
        );
        if (js > jsBar) over.push(`${page}: JS weighs ${js.toFixed(1)} KB, the bar is ${jsBar} KB`);
        if (css > cssBar) over.push(`${page}: CSS weighs ${css.toFixed(1)} KB, the bar is ${cssBar} KB`);
      }
      if (over.length > 0) this.error(over.join("\n"));
    },
  };
}

function reachable(entry: Rolldown.OutputChunk, bundle: Rolldown.OutputBundle) {
  const js = new Set<string>();
  const css = new Set<string>();
  const queue = [entry.fileName];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const chunk = bundle[file];
    if (chunk?.type !== "chunk" || js.has(file) || isTranslation(chunk)) continue;
    js.add(file);
    for (const sheet of chunk.viteMetadata?.importedCss ?? []) css.add(sheet);
    queue.push(...chunk.imports, ...chunk.dynamicImports);
  }
  return { js, css };
}

/** A page shows one language; English is in it, and another one is loaded in its place. */
function isTranslation(chunk: Rolldown.OutputChunk): boolean {
  return /\/i18n\/(?!en\b)[a-z]{2}\//.test(chunk.facadeModuleId ?? "");
}

function weigh(files: Set<string>, bundle: Rolldown.OutputBundle): number {
  let bytes = 0;
  for (const file of files) {
    const output = bundle[file];
    if (output) bytes += gzipSync(output.type === "chunk" ? output.code : output.source, { level: 9 }).length;
  }
  return bytes / 1024;
}
