import { execFileSync } from "node:child_process";
import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readText } from "../../src/knockctl/adapters/short-text.ts";
import { handOver, linkIn, ownAllAsFolder, replaceFile } from "../../src/shared/host/adapters/files.ts";
import { needs } from "../helpers/needs.ts";

/** An account that may do less than root. */
const HIS = 12345;

const { describe } = needs("root");
let box: string;
let his: string;
let roots: string;

beforeEach(() => {
  box = mkdtempSync(join(tmpdir(), "knockline-files-"));
  his = join(box, "his");
  roots = join(box, "roots");
  mkdirSync(his);
  writeFileSync(roots, "root's own\n", { mode: 0o600 });
  chownSync(his, HIS, HIS);
});
afterEach(() => rmSync(box, { recursive: true, force: true }));

const of = (path: string) => {
  const { uid, mode } = statSync(path);
  return { uid, mode: (mode & 0o7777).toString(8) };
};

describe("root in the folder of an account that may do less", () => {
  it("gives it the files there, but never what a link leads to", async () => {
    const db = join(his, "db");
    mkdirSync(db);
    writeFileSync(join(db, "CURRENT"), "");
    symlinkSync(roots, join(db, "LOG"));
    await ownAllAsFolder(db);
    expect(of(join(db, "CURRENT")).uid).toBe(HIS);
    expect(lstatSync(join(db, "LOG")).uid).toBe(HIS);
    expect(of(roots)).toEqual({ uid: 0, mode: "600" });
  });

  it("sees a link in the place of a store's folder, or in it", async () => {
    const db = join(his, "db");
    symlinkSync(box, db);
    expect(await linkIn(db)).toBe(db);
    rmSync(db);
    mkdirSync(db);
    writeFileSync(join(db, "CURRENT"), "");
    expect(await linkIn(db)).toBeUndefined();
    symlinkSync(roots, join(db, "000003.log"));
    expect(await linkIn(db)).toBe(join(db, "000003.log"));
  });

  it("hands over what it made, and not what a link that took its place leads to", async () => {
    const made = join(his, "secret");
    writeFileSync(made, "", { mode: 0o600 });
    await handOver(made, { uid: HIS, gid: HIS }, 0o640);
    expect(of(made)).toEqual({ uid: HIS, mode: "640" });
    rmSync(made);
    symlinkSync(roots, made);
    await expect(handOver(made, { uid: HIS, gid: HIS }, 0o640)).rejects.toMatchObject({ code: "ELOOP" });
    expect(of(roots)).toEqual({ uid: 0, mode: "600" });
  });

  it("replaces a file with owner and mode as asked, whatever the umask is and whatever link lies beside it", async () => {
    const file = join(his, "rules.v4");
    symlinkSync(roots, `${file}.new`);
    const before = process.umask(0o077);
    try {
      await replaceFile(file, "a\n", 0o644);
      expect(of(file)).toEqual({ uid: HIS, mode: "644" });
      await replaceFile(file, "b\n", 0o640, { uid: 0, gid: 0 });
      expect(of(file)).toEqual({ uid: 0, mode: "640" });
    } finally {
      process.umask(before);
    }
    expect(of(roots)).toEqual({ uid: 0, mode: "600" });
  });

  it("is told that a named pipe is no file, and does not wait for it", async () => {
    const pipe = join(his, "ann.iptables");
    execFileSync("mkfifo", [pipe]);
    await expect(readText(pipe)).rejects.toThrow(`${pipe} is no file`);
  });
});
