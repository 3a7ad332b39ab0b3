// @ts-check
// Root folders of fresh Debian machines, to be booted by systemd-nspawn: made by mmdebstrap, kept in the cache folder.
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, debianArchitecture, fetchOnce, must, ownMirror } from "./cache.mjs";

/**
 * What each has from the start, and what lies in its apt cache, to be installed without a network. Debian 12 has its
 * own Node, which is too old for knockline.
 * @type {Record<string, { base: string[], downloaded: string[] }>}
 */
const MACHINES = {
  trixie: { base: [], downloaded: ["nodejs", "nftables", "tcpdump"] },
  bookworm: { base: ["nodejs"], downloaded: ["nftables", "tcpdump"] },
};
const BASE = ["systemd", "systemd-sysv", "dbus", "iproute2", "openssh-server"];

/** Files of packages that nothing here reads; knockline's own must be there. */
const LEFT_OUT = ["doc", "man", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
const NOT_LEFT_OUT = ["doc", "man"].map((name) => `--dpkgopt=path-include=/usr/share/${name}/*knockline*`);

/** @param {string} suite */
const rootFolder = (suite) => join(cacheFolder(), `debian-${suite}-${debianArchitecture()}`);

/** @param {string} suite trixie or bookworm @returns {string | undefined} the root folder fetched before */
export function cachedDebian(suite) {
  const folder = rootFolder(suite);
  return existsSync(folder) ? folder : undefined;
}

/**
 * Finds the cached root folder, or makes one: 300 MB, some 40 s. To be copied, not booted itself.
 * @param {string} suite trixie or bookworm
 * @returns {Promise<string>}
 * @throws {import("./steps.mjs").StepFailed}
 */
export function fetchDebian(suite) {
  return fetchOnce(
    `debian-${suite}`,
    () => cachedDebian(suite),
    () => make(suite),
  );
}

/** @param {string} suite */
function make(suite) {
  const { base, downloaded } = MACHINES[suite] ?? { base: [], downloaded: [] };
  const fresh = `${rootFolder(suite)}.${process.pid}`;
  try {
    // in a mount namespace of its own: one that is interrupted leaves /proc and /sys of this machine mounted in the
    // folder, and what removes the folder must not find them there
    must("unshare", [
      "--mount",
      "mmdebstrap",
      "--quiet",
      "--variant=minbase",
      `--include=${[...BASE, ...base].join(",")}`,
      "--skip=cleanup/apt/lists,cleanup/apt/cache",
      '--aptopt=APT::Install-Recommends "false"',
      '--aptopt=Acquire::Check-Valid-Until "false"', // a mirror may be frozen
      ...LEFT_OUT,
      ...NOT_LEFT_OUT,
      `--customize-hook=chroot "$1" apt-get install -y -qq --download-only ${downloaded.join(" ")}`,
      suite,
      fresh,
      ownMirror(),
    ]);
    renameSync(fresh, rootFolder(suite));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
