import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { thirdPartyLicenses } from "./scripts/licenses.mjs";

export default defineConfig({
  base: "./", // the viewer may be served under any path of a proxy
  plugins: [svelte(), thirdPartyLicenses()],
  build: {
    outDir: "../src/whyset/viewer/static",
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"], // the first with the CSS function light-dark()
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8765" } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
