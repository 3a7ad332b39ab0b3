// @ts-check
// npm run man: the manual pages, from docs/man/*.in into dist/man/. What must agree with the program (commands, settings,
// exit codes, denials) is put in by src/knockctl/manual, from the data that the program itself runs by.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./steps.mjs";

const SOURCES = join(root, "docs/man");

/** @returns {Promise<(source: string) => string>} */
async function filler() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["src/knockctl/manual/page.ts"],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
    // what the commands do is fetched when one is run, and here none is
    external: ["../commands/*"],
  });
  const code = Buffer.from(outputFiles[0]?.contents ?? "").toString("base64");
  return (await import(`data:text/javascript;base64,${code}`)).manualPage;
}

/**
 * Writes every page.
 * @param {string} [folder]
 * @returns {Promise<string[]>} their names
 */
export async function writeManuals(folder = join(root, "dist/man")) {
  const fill = await filler();
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(SOURCES).filter((name) => name.endsWith(".in"));
  return names.map((source) => {
    const name = source.slice(0, -".in".length);
    writeFileSync(join(folder, name), fill(readFileSync(join(SOURCES, source), "utf8")));
    return name;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const names = await writeManuals();
  console.log(`made ${names.join(", ")} in dist/man/`);
}
