// Writes static/manifest.json: SHA-256 of everything that the bundle is made from, and of everything that it is.
// tests/viewer/test_bundle.py compares both sides with the files, without Node.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const web = join(import.meta.dirname, "..");
const bundle = join(web, "../src/whyset/viewer/static");
const roots = [
  "index.html",
  "openapi.json",
  "package-lock.json",
  "package.json",
  "public",
  "scripts",
  "src",
  "svelte.config.js",
  "tsconfig.json",
  "tsconfig.node.json",
  "vite.config.ts",
];

/**
 * @param {string} base
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(base, path) {
  const full = join(base, path);
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full).flatMap((name) => filesUnder(base, path === "." ? name : `${path}/${name}`));
}

/**
 * @param {string} base
 * @param {string[]} paths
 */
function hashes(base, paths) {
  const digest = (/** @type {string} */ path) => createHash("sha256").update(readFileSync(join(base, path))).digest("hex");
  return Object.fromEntries(paths.sort().map((path) => [path, digest(path)]));
}

const sources = hashes(web, roots.flatMap((root) => filesUnder(web, root)));
const outputs = hashes(bundle, filesUnder(bundle, ".").filter((path) => path !== "manifest.json"));
writeFileSync(join(bundle, "manifest.json"), `${JSON.stringify({ roots, sources, outputs }, null, 2)}\n`);
