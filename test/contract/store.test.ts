import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keys, SCHEMA } from "../../src/shared/access/records.ts";
import { openLevelStore } from "../../src/shared/store/adapters/level.ts";
import { crc32c } from "../../src/shared/store/crc32c.ts";
import { isLogDamaged } from "../../src/shared/store/log-file.ts";
import { MemoryStore } from "../../src/shared/store/memory.ts";
import { migrate } from "../../src/shared/store/migrations.ts";
import type { Store } from "../../src/shared/store/store.ts";
import { isTableDamaged } from "../../src/shared/store/table-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "knockline-store-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each([
  ["memory", async (): Promise<Store> => new MemoryStore()],
  ["LevelDB", (): Promise<Store> => openLevelStore(folder)],
] as const)("the store in %s", (_name, openStore) => {
  let store: Store;
  beforeEach(async () => {
    store = await openStore();
  });
  afterEach(() => store.close());

  it("gives back what was written, in the order of the keys", async () => {
    await store.write([
      { key: "user/b", value: { n: 2 } },
      { key: "user/a", value: { n: 1 } },
      { key: "other", value: false },
    ]);
    expect(await store.read("user/")).toEqual([
      ["user/a", { n: 1 }],
      ["user/b", { n: 2 }],
    ]);
    expect(await store.read("nothing/")).toEqual([]);
  });

  it("writes nothing of a batch with a value it cannot hold", async () => {
    await expect(
      store.write([
        { key: "a", value: 1 },
        { key: "b", value: null },
      ]),
    ).rejects.toMatchObject({ why: "failed" });
    expect(await store.read("")).toEqual([]);
  });

  it("gives back what was noted, before it is on the disk and after", async () => {
    await store.write([{ key: "a", value: 1 }]);
    await store.note([{ key: "a" }, { key: "b", value: 2 }]);
    expect(await store.read("")).toEqual([["b", 2]]);
    await store.sync();
    expect(await store.read("")).toEqual([["b", 2]]);
    await expect(store.note([{ key: "c", value: null }])).rejects.toMatchObject({ why: "failed" });
    expect(await store.read("")).toEqual([["b", 2]]);
  });

  it("rehearses a batch without any effect", async () => {
    await store.write([{ key: "a", value: 1 }]);
    store.rehearse([{ key: "a" }, { key: "b", value: { n: 2 } }]);
    expect(await store.read("")).toEqual([["a", 1]]);
    await store.note([{ key: "b", value: 3 }]);
    await store.sync();
    expect(await store.read("b")).toEqual([["b", 3]]);
  });

  it("replaces and deletes in one batch, and a delete of nothing is fine", async () => {
    await store.write([
      { key: "a", value: 1 },
      { key: "b", value: 2 },
    ]);
    await store.write([{ key: "a" }, { key: "b", value: 3 }, { key: "c" }]);
    expect(await store.read("")).toEqual([["b", 3]]);
  });

  it("reads a part: after a key, up to a limit, from the end", async () => {
    await store.write([1, 2, 3, 4].map((n) => ({ key: keys.history(n, 0), value: n })));
    const values = async (options: object) =>
      (await store.read("history/", options)).map(([, value]) => value);
    expect(await values({ after: keys.history(2, 0) })).toEqual([3, 4]);
    expect(await values({ limit: 2 })).toEqual([1, 2]);
    expect(await values({ limit: 2, last: true })).toEqual([3, 4]);
    expect(await values({ after: keys.history(1, 0), limit: 1, last: true })).toEqual([4]);
  });

  it("sorts moments as numbers do", () => {
    expect(keys.history(999, 0) < keys.history(1_000, 0)).toBe(true);
    expect(keys.history(1_000, 2) < keys.history(1_000, 10)).toBe(true);
  });

  it("gets its version on the first migration and keeps it on the next", async () => {
    await migrate(store);
    await migrate(store);
    expect(await store.read(keys.schema)).toEqual([[keys.schema, SCHEMA]]);
  });

  it("gives each nonce of version 1 a record of its own, with the floor beside them", async () => {
    const seen = [
      { time: 1_790_000_001, nonce: "AAECAwQFBgcICQoLDA0ODw" },
      { time: 1_790_000_002, nonce: "EBESExQVFhcYGRobHB0eHw" },
    ];
    await store.write([
      { key: keys.schema, value: 1 },
      { key: keys.replayFloor("ann"), value: { floor: 1_790_000_000, seen } },
    ]);
    await migrate(store);
    expect(await store.read(keys.replayFloor(""))).toEqual([[keys.replayFloor("ann"), 1_790_000_000]]);
    expect(await store.read(keys.nonce(""))).toEqual(
      seen.map(({ time, nonce }) => [keys.nonce(`ann/${nonce}`), time]),
    );
  });

  it.each([7, { floor: 1 }, { floor: "1", seen: [] }, { floor: 1, seen: [null] }])(
    "says that it is damaged when version 1 remembers %j of signed knocks, and stays as it is",
    async (value) => {
      await store.write([
        { key: keys.schema, value: 1 },
        { key: keys.replayFloor("ann"), value },
      ]);
      await expect(migrate(store)).rejects.toMatchObject({ why: "damaged" });
      expect(await store.read(keys.schema)).toEqual([[keys.schema, 1]]);
    },
  );

  it("refuses a store of a newer program, and changes nothing in it", async () => {
    await store.write([{ key: keys.schema, value: 99 }]);
    await expect(migrate(store)).rejects.toMatchObject({ why: "newer" });
    expect(await store.read("")).toEqual([[keys.schema, 99]]);
  });

  it("says that it is damaged when its version makes no sense", async () => {
    await store.write([{ key: keys.schema, value: "soon" }]);
    await expect(migrate(store)).rejects.toMatchObject({ why: "damaged" });
  });
});

describe("what we look at before we trust LevelDB's files", () => {
  const fill = async (store: Store): Promise<void> => {
    for (let n = 0; n < 150; n++) await store.write([{ key: `k${n}`, value: "x".repeat((n * 37) % 700) }]);
  };
  const only = async (kind: string): Promise<Buffer> => {
    const name = (await readdir(folder)).find((file) => file.endsWith(kind)) ?? "";
    return readFile(join(folder, name));
  };
  /** The file with one byte turned over, at each of a hundred places up to an end. */
  const flipped = (bytes: Buffer, end: number): Buffer[] =>
    Array.from({ length: 100 }, (_, n) => {
      const copy = Buffer.from(bytes);
      const at = Math.floor((n * end) / 100);
      copy[at] = (copy[at] ?? 0) ^ (1 << (n % 8));
      return copy;
    });

  it("knows the checksum of RFC 3720", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  });

  it("finds any flipped byte of a log, and takes one that is torn at any place for whole", async () => {
    const store = await openLevelStore(folder);
    await fill(store);
    const log = await only(".log"); // more than a block
    await store.close();
    expect(log.length).toBeGreaterThan(40_000);
    expect(isLogDamaged(log)).toBe(false);
    expect(flipped(log, log.length - 1_000).filter((bytes) => !isLogDamaged(bytes))).toEqual([]);
    for (let n = 0; n < 100; n++) expect(isLogDamaged(log.subarray(0, n * 401))).toBe(false);
  });

  it("finds any flipped byte of a table, and a table without its end", async () => {
    const store = await openLevelStore(folder);
    await fill(store);
    await store.close();
    await (await openLevelStore(folder)).close(); // the log becomes a table
    const table = await only(".ldb");
    expect(isTableDamaged(table)).toBe(false);
    expect(flipped(table, table.length - 48).filter((bytes) => !isTableDamaged(bytes))).toEqual([]);
    for (let n = 0; n < 20; n++) expect(isTableDamaged(table.subarray(0, n * 2_001))).toBe(true);
  });
});

describe("LevelDB on a bad day", () => {
  it("does not say that a note is on the disk when its log cannot be synced, and writes on behind a new one", async () => {
    const store = await openLevelStore(folder);
    await store.write([{ key: "a", value: "before" }]);
    await store.note([{ key: "a", value: "noted" }]);
    for (const log of (await readdir(folder)).filter((name) => name.endsWith(".log")))
      await rename(join(folder, log), join(folder, `${log}-away`));
    await expect(store.sync()).rejects.toMatchObject({ why: "damaged" });
    await store.write([{ key: "b", value: "after" }]);
    expect(await store.read("")).toEqual([
      ["a", "noted"], // until it is undone, as the port says
      ["b", "after"],
    ]);
    await store.close();
  });

  it("is locked for a second opener, and free after the first has closed", async () => {
    const first = await openLevelStore(folder);
    await expect(openLevelStore(folder)).rejects.toMatchObject({ why: "locked" });
    await first.close();
    await (await openLevelStore(folder)).close();
  });

  it("says that it is damaged when its manifest is rubbish", async () => {
    await (await openLevelStore(folder)).close();
    for (const name of (await readdir(folder)).filter((file) => file.startsWith("MANIFEST")))
      await writeFile(join(folder, name), "rubbish");
    await expect(openLevelStore(folder)).rejects.toMatchObject({ why: "damaged" });
  });

  it.each([".log", ".ldb"])(
    "says that it is damaged when a byte of its %s is flipped, each time",
    async (kind) => {
      for (let life = 0; life < 2; life++) {
        const store = await openLevelStore(folder);
        for (let n = 0; n < 5; n++) await store.write([{ key: `k${n}`, value: "written" }]);
        await store.close();
      }
      const name = (await readdir(folder)).find((file) => file.endsWith(kind)) ?? "";
      const bytes = await readFile(join(folder, name));
      bytes[30] = (bytes[30] ?? 0) ^ 1;
      await writeFile(join(folder, name), bytes);
      for (let n = 0; n < 2; n++)
        await expect(openLevelStore(folder)).rejects.toMatchObject({ why: "damaged" });
    },
  );

  it("keeps every acknowledged write and note when its process is killed", async () => {
    const store = await openLevelStore(folder);
    await store.write([{ key: "a", value: "written" }]);
    await store.note([{ key: "b", value: "noted" }]);
    await cp(folder, `${folder}-copy`, { recursive: true }); // what a kill -9 now would leave
    await store.close();
    const copy = await openLevelStore(`${folder}-copy`);
    expect(await copy.read("")).toEqual([
      ["a", "written"],
      ["b", "noted"],
    ]);
    await copy.close();
    await rm(`${folder}-copy`, { recursive: true });
  });
});
