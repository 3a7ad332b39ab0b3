import { keys, SCHEMA } from "../access/records.ts";
import { type Entry, type Store, StoreError, type Write } from "./store.ts";

/** Leads a store from version N (the index) to N + 1: given all entries, returns what to write. */
const MIGRATIONS: readonly ((store: Store) => Promise<Write[]>)[] = [
  async () => [], // 0: an empty store, nothing to lead over
  async (store) => (await store.read(keys.replayFloor(""))).flatMap(apart),
];

/** 1: the floor of a user's signed knocks and all nonces above it were one record. */
function apart([key, value]: Entry): Write[] {
  const { floor, seen } = Object(value);
  if (!Number.isFinite(floor) || !Array.isArray(seen)) throw damagedRecord(key);
  const user = key.slice(keys.replayFloor("").length);
  const nonces = seen.map(Object).map(({ nonce, time }): Write => {
    if (typeof nonce !== "string" || !Number.isFinite(time)) throw damagedRecord(key);
    return { key: keys.nonce(`${user}/${nonce}`), value: time };
  });
  return [{ key, value: floor }, ...nonces];
}

/**
 * Leads a store to the version this program writes, each step in one batch with its version number, so that a
 * crash between steps resumes where it was.
 * @throws StoreError `newer` for a store of a later program
 */
export async function migrate(store: Store): Promise<void> {
  const [entry] = await store.read(keys.schema, { limit: 1 });
  let version = entry === undefined ? 0 : Number(entry[1]);
  if (!Number.isInteger(version) || version < 0) throw damagedRecord(keys.schema);
  if (version > SCHEMA) {
    throw new StoreError(
      "newer",
      `the store has version ${version}, this program knows ${SCHEMA}`,
      "install the newer knockline again, or restore a backup made with this one",
    );
  }
  for (; version < SCHEMA; version++) {
    const writes = (await MIGRATIONS[version]?.(store)) ?? [];
    await store.write([...writes, { key: keys.schema, value: version + 1 }]);
  }
}

/** @returns the error for a record that does not decode */
export function damagedRecord(key: string): StoreError {
  return new StoreError(
    "damaged",
    `the store's record ${key} does not make sense`,
    "restore a backup, or move the store's folder away and add the users anew",
  );
}
