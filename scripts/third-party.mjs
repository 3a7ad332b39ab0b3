// @ts-check
// docs/third-party.md: every package that the programs may contain, by the lock file, with version and licence.
//   node scripts/third-party.mjs          writes it
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./steps.mjs";

/** Where it is written. */
export const THIRD_PARTY = join(root, "docs/third-party.md");

/** @typedef {{ version: string, name?: string, license?: string, dev?: boolean, os?: string[] }} Locked */
/** @typedef {{ name: string, version: string, license: string }} Part */

/** Words that some packages have for a licence, and what SPDX calls it. @type {Record<string, string>} */
const SPDX = {
  Apache2: "Apache-2.0",
  "apache 2.0": "Apache-2.0",
  "(AFL-2.1 OR BSD-3-Clause)": "BSD-3-Clause",
};

/** Licences that stand only in the sources, read there. @type {Record<string, string>} */
const IN_SOURCES = { sprintf: "BSD-3-Clause" };

/** @param {string} file @returns {any} */
const readJson = (file) => JSON.parse(readFileSync(join(root, file), "utf8"));

/** @returns {Record<string, Locked>} what `npm ci` installs, by its place under the checkout; the checkout itself left out */
export function locked() {
  const { "": _checkout, ...packages } = readJson("package-lock.json").packages;
  return packages;
}

/** @returns {Part[]} what is not for development only nor the part of a package for one kind of machine, by name; licence "unknown" where none is stated */
export function parts() {
  return Object.entries(locked())
    .filter(([, { dev, os }]) => dev !== true && os === undefined)
    .map(([place, { name, version, license }]) => {
      const called = place.replace(/^.*node_modules\//, "");
      const stated = license ?? oldForm(place) ?? IN_SOURCES[called] ?? "unknown";
      return { name: name ?? called, version, license: SPDX[stated] ?? stated };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Packages of before 2014 have a list, which npm does not copy. @param {string} place @returns {string | undefined} */
function oldForm(place) {
  const { licenses } = readJson(join(place, "package.json"));
  return licenses?.[0]?.type;
}

/** @returns {string} the page */
export function thirdPartyText() {
  const rows = parts().map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
  return `# Third-party packages

What the programs and packages of knockline contain or load, made by \`npm run third-party\` from the lock file. Why each
that we asked for was taken: [decision 1](decisions/0001-runtime-packages.md). The licence texts are in the packages.

| package | version | licence |
|---|---|---|
${rows.join("\n")}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(THIRD_PARTY, thirdPartyText());
  console.log(`docs/third-party.md: ${parts().length} packages`);
}
