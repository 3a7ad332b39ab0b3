// @ts-check
// npm run deb: the packages, into dist/packages/. The same checkout and the same Node give the same bytes, on any machine.
//   --version V          another version than package.json's
//   --arch amd64         only this architecture (may be repeated; both without)
//   --out FOLDER
//   --node FILE          the Node for knockline-node: the one that runs this, or another architecture's (may be repeated)
//   --node-licence FILE  its LICENSE, where it is not beside it
//   --no-node            without knockline-node
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { debFile, gzip, md5sums, tarball } from "./deb/archive.mjs";
import { knocklineTree } from "./deb/knockline.mjs";
import { nodeTree, readRuntime } from "./deb/node.mjs";
import { ARCHITECTURES } from "./deb/packages.mjs";
import { copy, installedSize, put } from "./deb/tree.mjs";
import { buildPrograms, installPackages, quietly, root, StepFailed, step } from "./steps.mjs";

/** @typedef {import("./deb/tree.mjs").Tree} Tree */
/** @typedef {{ name: string, version: string, architecture: string, about: string, relations: string }} About */

const MAINTAINER = "the knockline founders <knockline@users.noreply.github.com>";
const SCRIPTS = join(root, "packaging/debian");

const KNOCKLINE = {
  relations: `Depends: knockline-node | nodejs (>= 20.19), nftables, iproute2, systemd, libc6 (>= 2.28), libstdc++6 (>= 5), libgcc-s1
Recommends: tcpdump
Suggests: asterisk
`,
  about: `opens the firewall for one address, for a while
 The server is invisible to strangers. Somebody knocks on three secret ports,
 or calls the PBX and keys a PIN, and the firewall opens for that one address,
 for a while. The kernel closes it again by itself, whatever happens to the
 programs.
 .
 Installing it closes no port: an admin tries out what is to be closed, and
 the kernel rolls that back by itself unless it is confirmed.`,
};

const NODE = {
  relations: "Depends: libc6 (>= 2.28), libstdc++6 (>= 8), libgcc-s1\nEnhances: knockline\n",
  about: `private Node.js for knockline
 For hosts whose own Node.js is older than 20.19, or which have none. It is
 used by knockline's programs and touches no other: it is in no PATH.`,
};

function readArguments() {
  const { values } = parseArgs({
    options: {
      version: { type: "string" },
      arch: { type: "string", multiple: true },
      out: { type: "string" },
      node: { type: "string", multiple: true },
      "node-licence": { type: "string" },
      "no-node": { type: "boolean" },
    },
  });
  const architectures = values.arch ?? ARCHITECTURES;
  const unknown = architectures.find((name) => !ARCHITECTURES.includes(name));
  if (unknown)
    throw new StepFailed(`there is no package for ${unknown}\ntake one of ${ARCHITECTURES.join(", ")}`);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return {
    version: values.version ?? version,
    architectures,
    out: values.out ?? join(root, "dist/packages"),
    nodes: values["no-node"] ? [] : (values.node ?? [process.execPath]),
    licence: values["node-licence"],
  };
}

/** @returns {Promise<number>} seconds: $SOURCE_DATE_EPOCH, else the last commit's time, else the lock file's */
async function epochOf() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) return Number(given);
  if (!existsSync(join(root, ".git")))
    throw new StepFailed(
      "the packages need a time\ngive it in seconds: SOURCE_DATE_EPOCH=1700000000 npm run deb",
    );
  return Number(await quietly("git", ["log", "-1", "--format=%ct"]));
}

/** @param {About} about @param {Tree} data @param {number} epoch */
function withChangelog({ name, version }, data, epoch) {
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  const news =
    name === "knockline" ? `See /usr/share/doc/${name}/NEWS.md.gz.` : `Node.js ${version}, unchanged.`;
  const entry = `${name} (${version}) unstable; urgency=medium\n\n  * ${news}\n\n -- ${MAINTAINER}  ${date}\n`;
  put(data, `usr/share/doc/${name}/changelog.gz`, gzip(entry));
}

/** @param {About} about @param {Tree} data @returns {Tree} control files (deb-control(5)) */
function controlTree({ name, version, architecture, about, relations }, data) {
  /** @type {Tree} */
  const control = new Map();
  const fields = `Package: ${name}
Version: ${version}
Section: net
Priority: optional
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${installedSize(data)}
${relations}Description: ${about}
`;
  put(control, "control", fields);
  put(control, "md5sums", md5sums(data));
  if (name === "knockline")
    for (const script of ["postinst", "prerm", "postrm"])
      copy(control, script, join(SCRIPTS, script), { mode: 0o755 });
  return control;
}

/** @param {string} out @param {string} name @param {Buffer} content @returns {string} a word for the progress line */
function write(out, name, content) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, name), content);
  const sum = createHash("sha256").update(content).digest("hex").slice(0, 16);
  return `${relative(process.cwd(), join(out, name))}, ${(content.length / 1e6).toFixed(1)} MB, sha256 ${sum}...`;
}

/** @param {About} about @param {Tree} data @param {number} epoch @returns {Buffer} */
function packed(about, data, epoch) {
  withChangelog(about, data, epoch);
  return debFile({ control: controlTree(about, data), data, epoch });
}

async function main() {
  const { version, architectures, out, nodes, licence } = readArguments();
  await installPackages();
  await buildPrograms();
  const epoch = await epochOf();
  for (const architecture of architectures) {
    const tree = await knocklineTree(architecture);
    await step(`tarball for ${architecture}`, () => {
      const top = `knockline-${version}-${architecture}`;
      /** @type {Tree} */
      const whole = new Map(tree);
      copy(whole, "INSTALL", join(root, "packaging/INSTALL"));
      return write(out, `${top}.tar.gz`, tarball(whole, { epoch, top }));
    });
    await step(`knockline for ${architecture}`, () => {
      const about = { name: "knockline", version, architecture, ...KNOCKLINE };
      return write(out, `knockline_${version}_${architecture}.deb`, packed(about, tree, epoch));
    });
  }
  for (const path of nodes) {
    await step(`knockline-node from ${path}`, () => {
      const runtime = readRuntime(path, licence);
      const about = { name: "knockline-node", ...runtime, ...NODE };
      return write(
        out,
        `knockline-node_${runtime.version}_${runtime.architecture}.deb`,
        packed(about, nodeTree(runtime), epoch),
      );
    });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof StepFailed ? error.message : error);
  process.exitCode = 1;
}
