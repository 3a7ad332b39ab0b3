// @ts-check
// knockline's store, opened by its own code: there is no TypeScript in Node 20, so it is bundled for the occasion.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "../../scripts/steps.mjs";

/**
 * @param {string} folder of an instance whose knockd does not run
 * @returns {Promise<import("../../scripts/lab-grants.mjs").Store & { close: () => Promise<void> }>}
 */
export async function openStore(folder) {
  const outfile = join(root, "dist/bench-store.mjs"); // in the checkout, so that its packages are found
  const entry = join(root, "src/shared/store/adapters/level.ts");
  const options = /** @type {const} */ ({
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
  });
  await build({ entryPoints: [entry], outfile, ...options });
  const { openLevelStore } = await import(pathToFileURL(outfile).href);
  return openLevelStore(join(folder, "db"));
}
