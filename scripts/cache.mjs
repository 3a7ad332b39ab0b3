// @ts-check
// Things of Debian's that tests and the demo want and that are not installed: fetched once into a cache folder by
// Debian's own tools, from the mirror that this machine itself uses.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { PATH, StepFailed } from "./steps.mjs";
import { until } from "./until.mjs";

/** @returns {string} where fetched things are kept between runs: $KNOCKLINE_CACHE, outside the checkout by default */
export function cacheFolder() {
  return (
    process.env.KNOCKLINE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "knockline")
  );
}

/** @returns {string} amd64, arm64 ...; empty where there is no dpkg */
export function debianArchitecture() {
  return spawnSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).stdout?.trim() ?? "";
}

/**
 * Finds a fetched thing, or fetches it. Who comes while another fetches, waits for him.
 * @template T
 * @param {string} name for its lock and for people
 * @param {() => T | undefined} find
 * @param {() => void} fetch makes that `find` finds it
 * @returns {Promise<T>}
 * @throws {StepFailed} with what to do about it
 */
export async function fetchOnce(name, find, fetch) {
  const found = find();
  if (found !== undefined) return found;
  mkdirSync(cacheFolder(), { recursive: true });
  const lock = join(cacheFolder(), `${name}.lock`);
  await until(() => find() !== undefined || takeLock(lock), {
    what: `another process has fetched ${name} (if none does, remove ${lock})`,
    deadline: 900_000,
    every: 200,
  });
  const fetched = find();
  if (fetched !== undefined) return fetched;
  try {
    fetch();
  } finally {
    rmSync(lock, { force: true });
  }
  return find() ?? fail(`the fetched ${name} is not complete`, `remove ${cacheFolder()}, try again`);
}

/** @param {string} path @returns {boolean} true when the lock is ours now; one whose owner is dead is taken over */
function takeLock(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    const owner = readFileSync(path, "utf8");
    if (owner !== "" && !existsSync(`/proc/${owner}`)) rmSync(path, { force: true });
    return false;
  }
}

/** @returns {string} the mirror that this machine itself takes Debian from */
export function ownMirror() {
  const release = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  const format = ["--format", "$(RELEASE) $(SITE)", "Created-By: Packages", "Component: main"];
  const sites = must("apt-get", ["indextargets", ...format]).split("\n");
  const own = sites.map((line) => line.split(" ")).find(([name]) => name === release);
  return (
    own?.[1] ??
    fail("apt knows no Debian mirror", "this works on Debian; add a source of it, then apt-get update")
  );
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} [cwd]
 * @returns {string} its stdout
 * @throws {StepFailed} with its last line
 */
export function must(program, args, cwd) {
  const env = { ...process.env, PATH, LC_ALL: "C" };
  const ran = spawnSync(program, args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 26, timeout: 900_000 });
  if (ran.status === 0) return ran.stdout;
  const said = (ran.stderr ?? "").trim().split("\n").at(-1) || ran.error?.message || `exit ${ran.status}`;
  return fail(
    `${program} ${args.at(-1)}: ${said}`,
    "it is fetched over the network: look whether that is there",
  );
}

/** @param {string} what @param {string} cure @returns {never} */
export function fail(what, cure) {
  throw new StepFailed(`${what}\n${cure}`);
}
