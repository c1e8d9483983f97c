import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { bundleBars } from "./build/bundle-bars.ts";
import { precompress } from "./build/precompress.ts";

const pages = ["login", "teacher", "projector", "admin", "student", "help"];
// All components on one page, for whoever works on them; not in what people get.
if (process.env.ARISE_COMPONENTS === "1") pages.push("components");

export default defineConfig({
  plugins: [svelte(), bundleBars(), precompress()],
  appType: "mpa",
  define: { __PSEUDO__: JSON.stringify(process.env.ARISE_COMPONENTS === "1") },
  build: {
    target: "es2022",
    // The browsers that run this all know modulepreload; the polyfill would be dead weight.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { input: pages.map((page) => `${page}.html`) },
  },
  worker: { format: "es" },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
