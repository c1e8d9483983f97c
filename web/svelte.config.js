import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  // "tree" builds the DOM node by node, so that no HTML string is ever parsed (Trusted Types).
  compilerOptions: { runes: true, fragments: "tree" },
};
