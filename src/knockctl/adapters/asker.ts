import { setTimeout as delay } from "node:timers/promises";
import { connectGate } from "../../shared/gate/adapters/client.ts";
import { type Asker, Refusal } from "../../shared/gate/verbs.ts";
import type { Paths, Settings } from "../../shared/settings/settings.ts";

/** How often and how long to wait for another knockctl that is the gate for one command. */
const TRIES = 50;
const PAUSE = 100;

/**
 * Finds the gate: the running knockd, or, while none runs, this process for the length of one command. Root lets the state
 * folder's owner be it.
 * @param loadSettings reads the settings, called only when this process must be the gate itself
 * @throws Refusal when neither can be: another process holds the store and does not answer
 */
export async function openAsker(paths: Paths, loadSettings: () => Promise<Settings>): Promise<Asker> {
  for (let tries = 0; ; tries++) {
    const remote = await connectGate(paths.adminSocket);
    if (remote !== undefined) return remote;
    try {
      return await openGate(paths, loadSettings);
    } catch (error) {
      if (!isLocked(error) || tries >= TRIES) throw error instanceof Refusal ? error : await asRefusal(error);
      await delay(PAUSE);
    }
  }
}

async function openGate(paths: Paths, loadSettings: () => Promise<Settings>): Promise<Asker> {
  // loaded late: what is here is needed only without a knockd
  const { openOwnerAsker, otherOwner } = await import("./owner-asker.ts");
  const owner = await otherOwner(paths);
  if (owner !== undefined) return openOwnerAsker(paths, owner);
  const { openLocalAsker } = await import("./local-asker.ts");
  return openLocalAsker(await loadSettings());
}

function isLocked(error: unknown): boolean {
  return (error as { why?: string }).why === "locked";
}

async function asRefusal(error: unknown): Promise<unknown> {
  const { refusal } = await import("../../shared/gate/refusal.ts");
  const { StoreError } = await import("../../shared/store/store.ts");
  return error instanceof StoreError ? refusal(error) : error;
}
