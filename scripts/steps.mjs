// @ts-check
// What start, test and demo have in common: steps with one progress line each, and the set-up of a checkout.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Debian keeps `ip` and `nft` where an ordinary user's PATH does not look. */
export const PATH = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;

const CAP_NET_ADMIN = 12n;

/** A step that failed: the message is for the person who ran us. */
export class StepFailed extends Error {}

/**
 * Runs one step and prints one line for it: what, how it came out, seconds.
 * @param {string} what
 * @param {() => string | void | Promise<string | void>} work gives a word for the line, "done" without one
 * @param {{ stream?: NodeJS.WriteStream, live?: boolean }} [options] live: a line that says what is being done until it
 *   is; not for work that writes lines of its own. Default: on a terminal
 */
export async function step(what, work, { stream = process.stdout, live = stream.isTTY } = {}) {
  const start = performance.now();
  if (live) stream.write(`· ${what} ...`);
  const line = (/** @type {string} */ text) => stream.write(`${live ? "\r\x1b[K" : ""}${text}\n`);
  try {
    const word = (await work()) ?? "done";
    const s = (performance.now() - start) / 1000;
    line(`· ${what}: ${word}${s >= 0.5 ? ` (${s.toFixed(1)} s)` : ""}`);
  } catch (error) {
    line(`· ${what}: failed`);
    throw error;
  }
}

/**
 * Runs a program quietly.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string>} its stdout
 * @throws {StepFailed} with what it said
 */
export function quietly(command, args, env = {}) {
  return new Promise((settle, refuse) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, PATH, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let all = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
      all += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      all += text;
    });
    child.on("error", (error) => refuse(new StepFailed(`${command}: ${error.message}`)));
    child.on("close", (code) => {
      if (code === 0) settle(out);
      else refuse(new StepFailed(`${command} ${args.join(" ")} ended with ${code}:\n${all.trim()}`));
    });
  });
}

/** @returns {boolean} true when we may change this network namespace's firewall */
export function mayAdministrateNetwork() {
  const bits = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${bits}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

/** @param {string} program @returns {boolean} true when it is on the PATH */
export function has(program) {
  return PATH.split(":").some((folder) => folder !== "" && existsSync(join(folder, program)));
}

/** Without a network npm would try for minutes, and say nothing. */
const WITHOUT_DELAY = ["--fetch-retries=1", "--fetch-timeout=60000", "--prefer-offline"];

/** Installs npm packages when there are none, or others than the lock file's. */
export async function installPackages() {
  await step("npm packages", async () => {
    if (hasLockedPackages()) return "up to date";
    await quietly("npm", ["ci", "--no-audit", "--no-fund", ...WITHOUT_DELAY]);
    return "installed";
  });
}

/** By content and not by time: what `npm ci` takes away first is not there until a network has answered. */
function hasLockedPackages() {
  const installed = packagesIn(join(root, "node_modules", ".package-lock.json"));
  const wanted = Object.entries(packagesIn(join(root, "package-lock.json")));
  return wanted.every(
    ([path, { version, optional }]) => path === "" || optional || installed[path]?.version === version,
  );
}

/** @param {string} file @returns {Record<string, { version?: string, optional?: boolean }>} by path */
function packagesIn(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : {};
}

/**
 * Builds the programs when a source is newer than they are.
 * @param {NodeJS.WriteStream} [stream] of the progress line
 */
export async function buildPrograms(stream) {
  const build = async () => {
    const built = Math.min(
      ...["knockd.cjs", "knockctl.cjs", "phone-auth.cjs", "ari-link.cjs", "owner-gate.cjs"].map((name) =>
        changedAt(join(root, "dist", name)),
      ),
    );
    const sources = [
      "src",
      "clients",
      "docs/man",
      "scripts/build.mjs",
      "scripts/man.mjs",
      "package-lock.json",
    ].map((name) => join(root, name));
    if (built >= Math.max(...sources.map(newestIn))) return "up to date";
    await quietly(process.execPath, ["scripts/build.mjs"]);
    return "built";
  };
  await step("programs", build, { stream });
}

/** @param {string} path @returns {number} ms since 1970; 0 when there is no such file */
function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** @param {string} path a file, or a folder looked through @returns {number} ms since 1970 */
function newestIn(path) {
  if (!existsSync(path)) return 0;
  if (!statSync(path).isDirectory()) return changedAt(path);
  return Math.max(changedAt(path), ...readdirSync(path).map((name) => newestIn(join(path, name))));
}

/** Debian asks this program before a package starts its service: 101 is no (deb-systemd-invoke(1p)). */
const POLICY = "/usr/sbin/policy-rc.d";
const REFUSAL =
  "#!/bin/sh\n# knockline's test set-up: no service starts because a test wants its program\nexit 101\n";

/**
 * A test that wants the program sshd must not open port 22 of this machine: services of packages installed by
 * `install` are neither started nor enabled.
 * @param {() => void} install
 */
function withoutStartingServices(install) {
  const units = ["ssh.service", "ssh.socket", "knockd.service"];
  const systemd = existsSync("/run/systemd/system");
  const enabled = () =>
    units.filter((unit) => spawnSync("systemctl", ["-q", "is-enabled", unit]).status === 0);
  const before = systemd ? enabled() : [];
  const ours = !existsSync(POLICY) || readFileSync(POLICY, "utf8") === REFUSAL;
  if (ours) writeFileSync(POLICY, REFUSAL, { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(POLICY);
  }
  const added = systemd ? enabled().filter((unit) => !before.includes(unit)) : [];
  if (added.length > 0) spawnSync("systemctl", ["disable", ...added]);
}

/**
 * Installs Debian packages for programs that are missing, as root. Never throws: whoever needs them says so.
 * @param {Record<string, string>} packages program -> package
 * @returns {Promise<string>} a word for the progress line
 */
export async function installTools(packages) {
  const missing = () => Object.keys(packages).filter((program) => !has(program));
  const wanted = [...new Set(missing().map((program) => packages[program] ?? program))];
  if (wanted.length === 0) return "all there";
  if (process.getuid?.() !== 0) return `missing ${wanted.join(", ")} (sudo apt-get install them)`;
  if (!has("apt-get")) return `missing ${wanted.join(", ")} (no apt-get here)`;
  withoutStartingServices(() => {
    const options = /** @type {const} */ ({
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: "ignore",
    });
    const install = (/** @type {string[]} */ names) =>
      spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names], options).status ===
      0;
    spawnSync("apt-get", ["update", "-qq"], options);
    // one package that this distribution lacks fails them all: then each for itself
    if (!install(wanted)) for (const name of wanted) install([name]);
  });
  const still = missing();
  return still.length === 0 ? `installed ${wanted.join(", ")}` : `not installed: ${still.join(", ")}`;
}
