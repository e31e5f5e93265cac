import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { firstChunk } from "./scripts/first.mjs";
import { inlinable } from "./scripts/inlinable.mjs";
import { thirdPartyLicenses } from "./scripts/licenses.mjs";
import { stylesInScript } from "./scripts/styles.mjs";

const STATIC = "../src/whyset/viewer/static";
const target = ["chrome123", "firefox121", "safari17.5"]; // the first with the CSS function light-dark()

/** One script (and one style sheet) below static/embed; `vite build --mode standalone` or `widget`. */
function embedded(name: string, format: "iife" | "es") {
  return {
    outDir: `${STATIC}/embed`,
    emptyOutDir: false,
    target,
    cssCodeSplit: false,
    copyPublicDir: false,
    modulePreload: false as const, // there is nothing to load: dynamic imports are in the one script
    rolldownOptions: {
      input: `src/${name}.ts`,
      preserveEntrySignatures: "strict" as const,
      transform: { define: { "import.meta": "{}" } }, // Vite's loader of chunks, of which there are none, asks for it
      output: { format, codeSplitting: false, entryFileNames: `${name}.js`, assetFileNames: `${name}[extname]` },
    },
  };
}

const page = {
  outDir: STATIC,
  emptyOutDir: true,
  target,
  modulePreload: { polyfill: false },
  assetsInlineLimit: 0,
  rolldownOptions: { output: { codeSplitting: { groups: [{ name: firstChunk("/src/main.ts"), debugName: "page" }] } } },
};

export default defineConfig(({ mode }) => {
  const build = mode === "standalone" ? embedded(mode, "iife") : mode === "widget" ? embedded(mode, "es") : page;
  const further = mode === "standalone" ? [inlinable()] : mode === "widget" ? [stylesInScript()] : [];
  const licenses = build === page ? "THIRD-PARTY-LICENSES.txt" : `${mode}.licenses.txt`;
  return {
    base: "./", // the viewer may be served under any path of a proxy
    plugins: [svelte(), thirdPartyLicenses(licenses), ...further],
    build,
    server: { proxy: { "/api": "http://127.0.0.1:8765" } },
    test: { include: ["tests/**/*.test.ts"], environment: "node" },
  };
});
