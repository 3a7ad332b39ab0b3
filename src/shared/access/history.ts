import type { Store } from "../store/store.ts";
import { decodeEvent } from "./decode/records.ts";
import type { GateEvent } from "./event.ts";
import { keys } from "./records.ts";

/** How many entries one look reads at the most, newest first; more is no help to a reader. */
const MOST = 10_000;
/** Entries deleted in one batch. */
const PURGE_BATCH = 1_000;

/** Which entries to read. `since` in wall clock ms. */
export interface HistoryQuery {
  readonly since?: number;
  readonly user?: string;
  readonly address?: string;
}

/** Reads the history, oldest first. @throws StoreError */
export async function readHistory(store: Store, query: HistoryQuery): Promise<GateEvent[]> {
  const after = query.since === undefined ? {} : { after: keys.history(query.since, 0) };
  const entries = await store.read("history/", { ...after, limit: MOST, last: true });
  return entries
    .map(decodeEvent)
    .filter(({ user }) => query.user === undefined || user === query.user)
    .filter(({ address }) => query.address === undefined || address === query.address);
}

/** Deletes entries older than a moment (wall clock ms). @throws StoreError */
export async function purge(store: Store, before: number): Promise<void> {
  const end = keys.history(Math.max(0, before), 0);
  for (;;) {
    const old = (await store.read("history/", { limit: PURGE_BATCH })).filter(([key]) => key < end);
    if (old.length > 0) await store.write(old.map(([key]) => ({ key })));
    if (old.length < PURGE_BATCH) return;
  }
}
