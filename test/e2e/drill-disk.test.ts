import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { minutes, seconds } from "../../src/shared/duration.ts";
import { Disk, flipBytes, storeFiles } from "../helpers/disk.ts";
import { Watcher } from "../helpers/drill.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { totp } from "../helpers/proofs.ts";
import { expectClosesAt } from "../helpers/sessions.ts";
import { until } from "../helpers/wait.ts";

/** The disk that the store is on lets us down: nothing opens that is not on it, and what is open closes on time. */

const { describe, test } = needs("root", "namespaces", "nft", "ip");
const { test: testWithLoop } = needs("root", "namespaces", "nft", "ip", "loop", "mkfs.ext4");

/** A store in use takes some 50 KiB. KiB */
const SMALL = 512;

let disk: Disk;
let scene: Scene<"laptop" | "stranger">;
let watcher: Watcher;
let user: User & { otp_uri: string };

async function open(on: Disk): Promise<void> {
  disk = on;
  scene = await openScene(["laptop", "stranger"], {
    firewall: { guard: "services" },
    knock: { decoys: 5 },
    paths: { state: disk.folder },
  });
  watcher = new Watcher(scene);
  user = (await scene.instance.addUser("ann", ["--proof", "otp", "--services", "ssh"])) as typeof user;
  await scene.instance.start();
}

afterEach(async () => {
  await scene?.close();
  disk?.remove();
});

/** Knocks with the code of now from a host. */
const knock = (from = scene.hosts.laptop, code = totp(user.otp_uri, Math.floor(Date.now() / 30_000))) =>
  scene.instance.knock(from, user, { payload: code }).then(() => code);

/** Asks for what is open anyway, which is written down. @returns whether the store said no */
const isRefused = () =>
  watcher.grant(scene.hosts.laptop, seconds(1)).then(
    () => false,
    (error: Error) => error.message.includes("is full"),
  );

/** @returns the reasons for which knocks were denied, as the log says */
const denials = (): string[] =>
  [...scene.instance.log().matchAll(/"reason":"(\w+)"/g)].map(([, reason = ""]) => reason);

describe("a disk without room", () => {
  beforeEach(() => open(Disk.inMemory(SMALL)));

  test("opens nothing new, closes on time, and is said; with room again all that was answered is kept", async () => {
    const { instance, hosts } = scene;
    const expires = await watcher.grant(hosts.laptop, seconds(6));
    disk.fill();
    await until(isRefused, { what: "the last page is full" });
    await knock(hosts.stranger);
    await until(() => denials().includes("store_failed"), { what: "the knock is denied by the full disk" });
    await watcher.says(/the store .* is full; make room on the disk/);
    await watcher.expectOpenOnlyTo(hosts.laptop);
    await expectClosesAt(instance, hosts.laptop, 22, expires);
    await watcher.expectOpenOnlyTo();

    disk.clear();
    await watcher.isWell();
    const code = await knock();
    await until(() => watcher.isOpenTo(hosts.laptop), { what: "a knock opens again" });
    const { grants } = await instance.ask("list");

    await instance.kill9();
    await instance.start();
    expect((await instance.ask("list")).grants).toMatchObject([{ id: grants[0].id }]);
    await knock(hosts.stranger, code);
    await until(() => denials().includes("otp_wrong"), { what: "the used code is known" });
    await watcher.expectOpenOnlyTo(hosts.laptop);
  });

  test("lets knockd not start, and says why; with room again it starts", async () => {
    const { instance, hosts } = scene;
    await watcher.grant(hosts.laptop, minutes(10));
    await instance.kill9();
    disk.fill();
    await expect(instance.start()).rejects.toThrow(/the store .* is full\s+make room on the disk/);
    await watcher.expectOpenOnlyTo(hosts.laptop);
    disk.clear();
    await instance.start();
    await watcher.isWell();
    await watcher.expectOpenOnlyTo(hosts.laptop);
  });
});

describe("a file system that goes read-only", () => {
  testWithLoop("opens nothing new, closes on time, and is said; repaired, all is as before", async () => {
    await open(Disk.inFile());
    const { instance, hosts } = scene;
    const expires = await watcher.grant(hosts.laptop, seconds(5));
    disk.breakDown();
    await knock(hosts.stranger);
    await until(() => denials().includes("store_failed"), { what: "the knock is denied by the disk" });
    await watcher.says(/the store .* is read-only; mount the file system for writing/);
    await watcher.expectOpenOnlyTo(hosts.laptop);
    await expectClosesAt(instance, hosts.laptop, 22, expires);

    await instance.stop();
    await expect(instance.start()).rejects.toThrow(/is read-only\s+mount the file system for writing/);
    disk.repair();
    await instance.start();
    await watcher.isWell();
    await watcher.expectOpenOnlyTo();
    await knock();
    await until(() => watcher.isOpenTo(hosts.laptop), { what: "a knock opens again" });
  });
});

describe("a store that is damaged", () => {
  const db = (): string => join(disk.folder, "db");
  const damages: Record<string, () => void> = {
    "a file of it is missing": () => rmSync(storeFiles(db(), "ldb")[0] ?? ""),
    "its manifest is missing": () => rmSync(storeFiles(db(), "MANIFEST")[0] ?? ""),
    "bytes of its manifest are flipped": () => flipBytes(storeFiles(db(), "MANIFEST")[0] ?? "", 7),
    "bytes of its table are flipped": () => flipBytes(storeFiles(db(), "ldb")[0] ?? "", 7),
    "bytes of its log are flipped": () => flipBytes(storeFiles(db(), ".log")[0] ?? "", 3),
  };

  beforeEach(() => open(Disk.inMemory(8 * SMALL)));

  test("is refused by name whatever is damaged in it, and opens nothing; as it was, it is taken", async () => {
    const { instance, hosts } = scene;
    await watcher.grant(hosts.laptop, minutes(10));
    await instance.restart(); // what was written goes from the log to a table
    await knock();
    await until(() => instance.log().includes("opened by a knock"), { what: "the knock opens" });
    for (let n = 0; n < 5; n += 1) await watcher.grant(hosts.laptop, minutes(10)); // each is in the log
    await instance.kill9();
    cpSync(db(), `${db()}-whole`, { recursive: true });
    for (const [what, damage] of Object.entries(damages)) {
      damage();
      await expect(instance.start(), what).rejects.toThrow(/is damaged.*\s+move the folder away/);
      rmSync(db(), { recursive: true });
      cpSync(`${db()}-whole`, db(), { recursive: true });
    }
    await watcher.expectOpenOnlyTo(hosts.laptop);
    await instance.start();
    await watcher.isWell();
    await watcher.expectOpenOnlyTo(hosts.laptop);
  });
});
