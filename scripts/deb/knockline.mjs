// @ts-check
// The package `knockline`: programs, units, completions, sounds, clients, documents.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../steps.mjs";
import { gzip } from "./archive.mjs";
import { licences, putPackages } from "./packages.mjs";
import { copy, put } from "./tree.mjs";

/** @typedef {import("./tree.mjs").Tree} Tree */

const LIB = "usr/lib/knockline";

/** Programs by the name that they have when installed, and in bin/. */
const PROGRAMS = { knockctl: "knockctl", "knockline-knockd": "knockd", "knockline-phone-auth": "phone-auth" };

/** Where each shell looks for completions. */
const COMPLETIONS = {
  bash: "usr/share/bash-completion/completions/knockctl",
  zsh: "usr/share/zsh/vendor-completions/_knockctl",
  fish: "usr/share/fish/vendor_completions.d/knockctl.fish",
};

/**
 * @param {string} architecture amd64 or arm64
 * @returns {Promise<Tree>}
 */
export async function knocklineTree(architecture) {
  /** @type {Tree} */
  const tree = new Map();
  await putPrograms(tree, architecture);
  putUnits(tree);
  for (const [shell, path] of Object.entries(COMPLETIONS)) put(tree, path, knockctl("completion", shell));
  copy(tree, "usr/share/knockline/sounds", join(root, "sounds"));
  copy(tree, "usr/share/knockline/clients", join(root, "clients"));
  putManuals(tree);
  putDocuments(tree);
  return tree;
}

/** @param {Tree} tree @param {string} architecture */
async function putPrograms(tree, architecture) {
  for (const [installed, name] of Object.entries(PROGRAMS)) {
    const source = readFileSync(join(root, "bin", name), "utf8");
    put(tree, `${LIB}/bin/${name}`, source.replace(/^#!.*\bnode\b/, `#!/${LIB}/runtime`), 0o755);
    tree.set(`usr/sbin/${installed}`, { link: `../lib/knockline/bin/${name}` });
  }
  copy(tree, `${LIB}/bin/package.json`, join(root, "bin/package.json"));
  for (const name of ["knockctl", "knockd", "phone-auth", "ari-link", "owner-gate"])
    copy(tree, `${LIB}/dist/${name}.cjs`, join(root, "dist", `${name}.cjs`));
  copy(tree, `${LIB}/runtime`, join(root, "packaging/runtime"), { mode: 0o755 });
  await putPackages(tree, LIB, architecture);
}

/** @param {Tree} tree */
function putUnits(tree) {
  const source = join(root, "systemd");
  for (const name of readdirSync(source)) {
    const path = join(source, name);
    if (name.endsWith(".service")) copy(tree, `usr/lib/systemd/system/${name}`, path);
    else if (!name.includes(".")) copy(tree, `${LIB}/${name}`, path, { mode: 0o755 });
  }
  copy(tree, "usr/lib/sysusers.d/knockline.conf", join(source, "knockline.sysusers"));
  copy(tree, "usr/lib/tmpfiles.d/knockline.conf", join(source, "knockline.tmpfiles"));
  copy(tree, "usr/lib/sysctl.d/30-knockline.conf", join(source, "knockline.sysctl"));
}

/** Manual pages, as the build made them. @param {Tree} tree */
function putManuals(tree) {
  const folder = join(root, "dist/man");
  for (const name of readdirSync(folder))
    put(tree, `usr/share/man/man${name.at(-1)}/${name}.gz`, gzip(readFileSync(join(folder, name))));
}

/** @param {Tree} tree */
function putDocuments(tree) {
  const doc = "usr/share/doc/knockline";
  copy(tree, `${doc}/README.md`, join(root, "README.md"));
  copy(tree, `${doc}/docs`, join(root, "docs"), { wanted: (path) => /\.(md|txt)$/.test(path) });
  put(tree, `${doc}/NEWS.md.gz`, gzip(readFileSync(join(root, "CHANGELOG.md"))));
  put(tree, `${doc}/examples/knockline.toml`, exampleSettings());
  const own = readFileSync(join(root, "LICENSE"), "utf8");
  const others = `The programs contain, or bring along, npm packages of others. Their licences are in
/usr/share/doc/knockline/licences.gz; for Apache-2.0 see also /usr/share/common-licenses/Apache-2.0.`;
  put(tree, `${doc}/copyright`, `${own}\n${others}\n`);
  put(tree, `${doc}/licences.gz`, gzip(licences()));
  copy(
    tree,
    "usr/share/lintian/overrides/knockline",
    join(root, "packaging/debian/knockline.lintian-overrides"),
  );
}

/** What `init` writes, under a name that belongs to nobody. */
function exampleSettings() {
  const folder = mkdtempSync(join(tmpdir(), "knockline-deb-"));
  try {
    const config = join(folder, "knockline.toml");
    knockctl("init", "--no-user", "--config", config);
    return readFileSync(config, "utf8").replace(/^name = .*$/m, 'name = "pbx.example.com-k3v9x2qa"');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string[]} args @returns {string} what it prints */
function knockctl(...args) {
  return execFileSync(process.execPath, [join(root, "bin/knockctl"), ...args], { encoding: "utf8" });
}
