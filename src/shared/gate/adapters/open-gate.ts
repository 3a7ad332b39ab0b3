import { access, mkdir } from "node:fs/promises";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { sealedUnder } from "../../access/backup.ts";
import { Gate } from "../../access/gate.ts";
import type { Duration } from "../../duration.ts";
import { openNft } from "../../firewall/adapters/nft.ts";
import { bootId, systemClock } from "../../host/adapters/clock.ts";
import { linkIn, ownAllAsFolder, ownAsFolder, replaceFile } from "../../host/adapters/files.ts";
import { isOwnAddress } from "../../host/adapters/own-addresses.ts";
import { conntrackMemory, readPortsInUse } from "../../host/adapters/proc-net.ts";
import { freshGrantId, systemRandom } from "../../host/adapters/random.ts";
import { isInstalled } from "../../host/adapters/run.ts";
import { endSessions, establishedSessions } from "../../host/adapters/sessions.ts";
import type { Log } from "../../log/log.ts";
import { openResolver } from "../../names/adapters/resolver.ts";
import { checkSecret } from "../../settings/adapters/load.ts";
import type { Paths, Settings } from "../../settings/settings.ts";
import { openLevelStore } from "../../store/adapters/level.ts";
import { StoreError } from "../../store/store.ts";
import { openVault } from "../../users/adapters/vault.ts";

/** Between two slices of a look at the kernel, of a few ms each: a knock finds the event loop free most of the time. ms */
const REST = 10;

/**
 * Becomes the gate: takes the store's lock and joins the real parts of this machine.
 * @param wake asks for `gate.sweep` after a time
 * @throws StoreError, `locked` when another process is the gate; SettingsError without its secret
 */
export async function openGate(settings: Settings, log: Log, wake: (after: Duration) => void): Promise<Gate> {
  const { db, boot, state } = settings.paths;
  await requireSecret(settings.paths); // a gate without its secret makes no store
  await makeFolder(db, state);
  await refuseLinks(db);
  const store = await openLevelStore(db, () => ownAllAsFolder(db));
  const firewall = openNft();
  let gate: Gate | undefined;
  const rest = {
    store,
    firewall,
    clock: systemClock,
    boot: bootId(),
    log,
    freshId: freshGrantId,
    draw: async () => ({
      random: systemRandom,
      inUse: await readPortsInUse(),
      canSniff: await isInstalled("tcpdump"),
    }),
    sessions: establishedSessions,
    isOwn: isOwnAddress,
    cut: endSessions,
    resolver: openResolver(() => gate?.state.settings.allow.resolvers ?? []),
    memory: await conntrackMemory(),
    writeBoot: (text: string | undefined) => writeTwice(boot, text),
    breathe: () => turn(),
    rest: () => delay(REST),
    wake,
  };
  try {
    const vault = await openVault(settings.paths.secret, await sealedUnder(store));
    gate = await Gate.open({ ...rest, vault }, settings);
    return gate;
  } catch (error) {
    await firewall.close();
    await store.close();
    throw error;
  }
}

async function requireSecret(paths: Paths): Promise<void> {
  await access(paths.secret).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return checkSecret(paths); // which says what to do
    throw error;
  });
}

/** The second copy is what `knockline-firewall-load` takes when the first is damaged. */
async function writeTwice(path: string, text: string | undefined): Promise<void> {
  for (const copy of [path, `${path}.last-good`]) await replaceFile(copy, text, 0o640);
}

/** LevelDB opens its files by name. Where root is the gate, what the service's account planted would be written through. */
async function refuseLinks(db: string): Promise<void> {
  const link = await linkIn(db);
  if (link === undefined) return;
  throw new StoreError(
    "failed",
    `${link} is a symbolic link, and no store is opened through one`,
    "knockline makes none: find out who did, then put the folder or file itself there (or [paths] state names another)",
  );
}

async function makeFolder(db: string, state: string): Promise<void> {
  try {
    const made = await mkdir(db, { mode: 0o700 }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST") return false;
        throw error;
      },
    );
    if (made) await ownAsFolder(db);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const cure = missing
      ? "make the instance first: knockctl init"
      : "run as root or as the owner of the instance; look at the disk";
    throw new StoreError(
      "failed",
      missing ? `there is no state folder ${state}` : `${db} cannot be made: ${(error as Error).message}`,
      cure,
    );
  }
}
