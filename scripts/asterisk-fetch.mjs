// @ts-check
// A real Asterisk for tests and the demo: unpacked from a newer Debian suite into a cache folder. Nothing is
// installed, no root is needed, and this machine's own apt state is not touched.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder, debianArchitecture, fail, fetchOnce, must, ownMirror } from "./cache.mjs";
import { PATH } from "./steps.mjs";

/** Debian 12 and 13 have no Asterisk; this suite has 22. */
const SUITE = "forky";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** What libraries and modules are called on each architecture of Debian. */
const TRIPLES = /** @type {Record<string, string>} */ ({
  amd64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
});
const LOADERS = /** @type {Record<string, string>} */ ({
  amd64: "ld-linux-x86-64.so.2",
  arm64: "ld-linux-aarch64.so.1",
});

/** Folders of the packages that nothing here reads: half of the bytes. */
const LEFT_OUT = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/info"]
  .concat(["etc/init.d", "usr/lib/systemd", "var", "usr/lib/*/gconv", "usr/lib/*/perl*"])
  .map((path) => `--exclude=./${path}`);

/**
 * An unpacked Asterisk.
 * @typedef {object} Tree
 * @property {string} folder
 * @property {string} modules the folder of its modules
 * @property {string} data its sounds are in `sounds/` there
 * @property {readonly string[]} command what runs it: the tree's own ELF loader and libraries, then the program
 */

/** @returns {Tree | undefined} the Asterisk fetched before */
export function cachedAsterisk() {
  const architecture = debianArchitecture();
  const triple = TRIPLES[architecture];
  const folder = treeFolder(architecture);
  if (triple === undefined || !existsSync(join(folder, "PACKAGES"))) return undefined;
  const libraries = join(folder, "usr/lib", triple);
  return {
    folder,
    modules: join(libraries, "asterisk/modules"),
    data: join(folder, "usr/share/asterisk"),
    command: [
      join(libraries, LOADERS[architecture] ?? ""),
      "--library-path",
      libraries,
      join(folder, "usr/sbin/asterisk"),
    ],
  };
}

/**
 * Finds the cached Asterisk, or fetches one: 20 MB, some 10 s. Who comes while another fetches, waits for him.
 * @param {(line: string) => void} [tell] is given one line a step
 * @returns {Promise<Tree>}
 * @throws {StepFailed} with what to do about it
 */
export function fetchAsterisk(tell = () => {}) {
  return fetchOnce("asterisk", cachedAsterisk, () => fetchInto(treeFolder(debianArchitecture()), tell));
}

/** @param {string} architecture */
function treeFolder(architecture) {
  return join(cacheFolder(), `asterisk-${SUITE}-${architecture}`);
}

/** @param {string} target @param {(line: string) => void} tell */
function fetchInto(target, tell) {
  const work = mkdtempSync(join(tmpdir(), "knockline-asterisk-"));
  const tree = `${target}.${process.pid}`;
  try {
    tell(`package lists of ${SUITE}`);
    const apt = ownApt(work);
    must("apt-get", ["-qq", ...apt, "--error-on=any", "update"]);
    const names = packages(apt);
    tell(`${names.length} packages`);
    const downloads = join(work, "debs");
    must("apt-get", ["-qq", ...apt, "download", ...names], downloads);
    tell("unpacking");
    unpack(downloads, tree);
    rmSync(target, { recursive: true, force: true });
    renameSync(tree, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(tree, { recursive: true, force: true });
  }
}

/**
 * An apt state of its own in a folder: lists, cache, no installed package, one source.
 * @param {string} work
 * @returns {string[]} options for apt-get and apt-cache
 */
function ownApt(work) {
  for (const folder of ["lists/partial", "cache/archives/partial", "debs"])
    mkdirSync(join(work, folder), { recursive: true });
  const architecture = debianArchitecture();
  // A newer suite's Release names a day until which it is valid; a mirror may be frozen for longer. Only this
  // check is off, for this source only: its signature is still checked against Debian's own keys.
  const options = `arch=${architecture} signed-by=${KEYRING} check-valid-until=no`;
  writeFileSync(join(work, "sources.list"), `deb [${options}] ${ownMirror()} ${SUITE} main\n`);
  writeFileSync(join(work, "status"), "");
  return [
    `Dir::Etc::SourceList=${work}/sources.list`,
    "Dir::Etc::SourceParts=/dev/null",
    "Dir::Etc::Preferences=/dev/null",
    "Dir::Etc::PreferencesParts=/dev/null",
    `Dir::State::Lists=${work}/lists`,
    `Dir::State::status=${work}/status`,
    `Dir::Cache=${work}/cache`,
    "APT::Install-Recommends=false",
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    "APT::Update::Post-Invoke-Success::=",
    "APT::Sandbox::User=root", // the work folder is ours alone
    "Acquire::Languages=none",
    "Acquire::AllowInsecureRepositories=false",
    "Acquire::Retries=3",
    "Debug::NoLocking=1",
  ].flatMap((option) => ["-o", option]);
}

/**
 * Asterisk with its modules and sounds, and what the daemon itself depends on: not what all 300 modules do.
 * @param {string[]} apt
 */
function packages(apt) {
  const depends = must("apt-cache", [...apt, "depends", "-i", "asterisk"]);
  const libraries = [...depends.matchAll(/^\s*(?:Pre)?Depends: (lib\S+)$/gm)].map(([, name]) => name ?? "");
  const wanted = [...libraries, "libgsm1", "asterisk-core-sounds-en-gsm"];
  const plan = must("apt-get", [...apt, "-s", "--no-install-recommends", "install", ...wanted]);
  const closure = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? "");
  return [...closure, "asterisk", "asterisk-modules"];
}

/** @param {string} downloads @param {string} tree */
function unpack(downloads, tree) {
  mkdirSync(tree, { recursive: true });
  const files = readdirSync(downloads).sort();
  for (const file of files) {
    const options = { maxBuffer: 1 << 30, env: { ...process.env, PATH } };
    const { stdout, status } = spawnSync("dpkg-deb", ["--fsys-tarfile", join(downloads, file)], options);
    const flags = ["-x", "-C", tree, "--no-same-owner", "--keep-directory-symlink", ...LEFT_OUT];
    const unpacked = spawnSync("tar", flags, { input: stdout, env: options.env });
    if (status !== 0 || unpacked.status !== 0) fail(`${file} cannot be unpacked`, "try again");
  }
  writeFileSync(join(tree, "PACKAGES"), `${files.join("\n")}\n`);
}
