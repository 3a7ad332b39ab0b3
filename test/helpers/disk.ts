import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** Mounted and not yet removed. bounded: one a test */
const disks = new Set<Disk>();

process.on("exit", () => {
  for (const disk of disks) disk.remove();
});

/** A small file system of its own: full, read-only or broken without harm to the machine. Needs root. */
export class Disk {
  readonly folder = mkdtempSync(join(tmpdir(), "knockline-disk-"));
  readonly #image: string | undefined;

  private constructor(image?: string) {
    this.#image = image;
    disks.add(this);
  }

  /** @returns a tmpfs of so many KiB */
  static inMemory(size: number): Disk {
    const disk = new Disk();
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}k,mode=700`, "tmpfs", disk.folder]);
    return disk;
  }

  /** @returns an ext4 in a file, that goes read-only at the first error as most servers' root does */
  static inFile(): Disk {
    const image = join(mkdtempSync(join(tmpdir(), "knockline-image-")), "disk");
    const disk = new Disk(image);
    execFileSync("truncate", ["-s", "8M", image]);
    execFileSync("mkfs.ext4", ["-q", image]);
    disk.mount();
    return disk;
  }

  mount(): void {
    execFileSync("mount", ["-o", "loop,errors=remount-ro", this.#image ?? "", this.folder]);
  }

  /** Leaves no room, and so little for what is open that the next write or the one after does not fit. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.folder);
    writeFileSync(join(this.folder, "ballast"), Buffer.alloc(bavail * bsize));
  }

  /** Makes room again. */
  clear(): void {
    rmSync(join(this.folder, "ballast"));
  }

  /** Lets the kernel find an error: what is mounted is read-only from here on, whoever has files open in it. */
  breakDown(): void {
    const device = execFileSync("findmnt", ["-no", "SOURCE", this.folder], { encoding: "utf8" }).trim();
    writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, "drill");
  }

  /** What an admin does then. Nobody may have a file open in it. */
  repair(): void {
    execFileSync("umount", [this.folder]);
    spawnSync("e2fsck", ["-fy", this.#image ?? ""]); // exit 1: errors were mended
    this.mount();
  }

  /** Safe to call twice. */
  remove(): void {
    if (!disks.delete(this)) return;
    spawnSync("umount", ["-l", this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
    if (this.#image !== undefined) rmSync(join(this.#image, ".."), { recursive: true, force: true });
  }
}

/** Turns bits over in a file, in so many places, evenly spread. */
export function flipBytes(path: string, places: number): void {
  const bytes = readFileSync(path);
  for (let n = 0; n < places; n += 1) {
    const at = Math.floor(((n + 0.5) * bytes.length) / places);
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  }
  writeFileSync(path, bytes);
}

/** @returns paths of the files of a store, of a kind: `log`, `ldb`, `MANIFEST` */
export const storeFiles = (folder: string, kind: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.includes(kind) && name !== "LOG")
    .map((name) => join(folder, name));
