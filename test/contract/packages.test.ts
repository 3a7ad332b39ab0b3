import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { root } from "../../scripts/steps.mjs";
import { needs } from "../helpers/needs.ts";

const { describe, test } = needs("dpkg-deb");
const { test: longTest } = needs("dpkg-deb", "lintian", "long");

/** Building, on a busy machine. */
const LIMIT = 120_000;

describe("the packages", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "knockline-packages-"));
    build("first", ["--no-node"]);
  }, LIMIT);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const build = (name: string, options: string[], env: Record<string, string> = {}): void => {
    const words = ["scripts/deb.mjs", "--version", "0.9.0", "--out", join(folder, name), ...options];
    const shell = [
      "-c",
      'umask "$1"; shift; exec "$@"',
      "sh",
      env.UMASK ?? "022",
      process.execPath,
      ...words,
    ];
    execFileSync("sh", shell, {
      cwd: root,
      stdio: "pipe",
      env: { ...process.env, SOURCE_DATE_EPOCH: "1700000000", ...env },
    });
  };
  const files = (name: string): string[] => readdirSync(join(folder, name)).sort();
  const deb = (architecture: string): string => join(folder, "first", `knockline_0.9.0_${architecture}.deb`);
  const listing = (file: string): string[] =>
    execFileSync("dpkg-deb", ["-c", file], { encoding: "utf8" }).trim().split("\n");

  test(
    "the same bytes come out whatever umask, time zone and language they are built under",
    () => {
      build("second", ["--no-node", "--arch", "amd64"], {
        UMASK: "077",
        TZ: "Asia/Tokyo",
        LC_ALL: "de_DE.UTF-8",
      });
      expect(files("second")).toEqual(["knockline-0.9.0-amd64.tar.gz", "knockline_0.9.0_amd64.deb"]);
      for (const name of files("second")) {
        const [one, two] = ["first", "second"].map((from) => readFileSync(join(folder, from, name)));
        expect(one?.equals(two as Buffer), name).toBe(true);
      }
    },
    LIMIT,
  );

  test("dpkg reads what our own writer of tar and ar wrote", () => {
    const fields = execFileSync("dpkg-deb", ["-f", deb("arm64"), "Package", "Version", "Architecture"], {
      encoding: "utf8",
    });
    expect(fields).toBe("Package: knockline\nVersion: 0.9.0\nArchitecture: arm64\n");
    expect(listing(deb("amd64"))).toContainEqual(
      expect.stringMatching(/^-rwxr-xr-x root\/root .*lib\/knockline\/runtime$/),
    );
    expect(listing(deb("amd64"))).toContainEqual(
      expect.stringContaining("usr/sbin/knockctl -> ../lib/knockline/bin/knockctl"),
    );
    const into = join(folder, "unpacked");
    execFileSync("dpkg-deb", ["-x", deb("amd64"), into]);
    const sums = execFileSync("dpkg-deb", ["--ctrl-tarfile", deb("amd64")]);
    expect(spawnSync("tar", ["-xC", into, "./md5sums"], { input: sums }).status).toBe(0);
    expect(spawnSync("md5sum", ["--quiet", "-c", "md5sums"], { cwd: into }).status).toBe(0);
  });

  test("each holds the native parts of its own architecture, and no others", () => {
    const natives = (architecture: string): string[] =>
      listing(deb(architecture)).filter((line) => line.endsWith(".node"));
    expect(natives("amd64")).toEqual([
      expect.stringContaining("koffi-linux-x64/linux_x64/koffi.node"),
      expect.stringContaining("prebuilds/linux-x64/classic-level.node"),
    ]);
    expect(natives("arm64")).toEqual([
      expect.stringContaining("koffi-linux-arm64/linux_arm64/koffi.node"),
      expect.stringContaining("linux-arm64/classic-level.armv8.node"),
    ]);
  });

  test("every program and the settings have their manual page", () => {
    const paths = listing(deb("amd64")).map((line) => line.split(/\s+/)[5]?.replace(/^\.?\//, "") ?? "");
    const programs = paths.filter((path) => /^usr\/sbin\/./.test(path)).map((path) => path.split("/")[2]);
    expect(programs).toHaveLength(3);
    for (const name of programs) expect(paths).toContain(`usr/share/man/man8/${name}.8.gz`);
    expect(paths).toEqual(
      expect.arrayContaining(["usr/share/man/man5/knockline.toml.5.gz", "usr/share/man/man7/knockline.7.gz"]),
    );
  });

  test("the pages come with the example that they link to", () => {
    const pages = listing(deb("amd64")).map((line) => line.split("/docs/")[1] ?? "");
    expect(pages).toEqual(
      expect.arrayContaining(["allowlist.md", "migrate.md", "examples/voip-providers.txt"]),
    );
  });

  test("the programs run from an unpacked tarball, with nothing of the checkout", () => {
    const name = "knockline-0.9.0-amd64";
    execFileSync("tar", ["-xzf", join(folder, "first", `${name}.tar.gz`), "-C", folder]);
    expect(readdirSync(join(folder, name)).sort()).toEqual(["INSTALL", "usr"]);
    const lib = join(folder, name, "usr/lib/knockline");
    const run = (...args: string[]): string =>
      execFileSync(process.execPath, args, { cwd: lib, encoding: "utf8" }).trim();
    for (const program of ["knockctl", "knockd", "phone-auth"])
      expect(run(`bin/${program}`, "--version")).toMatch(/\d+\.\d+\.\d+$/);
    for (const outside of ["ari-client", "pino", "classic-level", "koffi"])
      expect(run("-e", `require("${outside}"); console.log("there")`)).toBe("there");
  });

  longTest(
    "lintian finds no error in them",
    () => {
      build("whole", ["--arch", "amd64"]);
      const paths = files("whole")
        .filter((name) => name.endsWith(".deb"))
        .map((name) => join(folder, "whole", name));
      const { stdout } = spawnSync("lintian", ["--no-cfg", "--allow-root", "--fail-on", "none", ...paths], {
        encoding: "utf8",
      });
      expect(stdout.split("\n").filter((line) => line.startsWith("E:"))).toEqual([]);
    },
    4 * LIMIT,
  );
});
