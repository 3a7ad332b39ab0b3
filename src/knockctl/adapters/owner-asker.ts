import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { askerOver } from "../../shared/gate/adapters/client.ts";
import { type Asker, Refusal, type RefusalCode } from "../../shared/gate/verbs.ts";
import type { Owner } from "../../shared/host/adapters/files.ts";
import { type Child, start } from "../../shared/host/adapters/run.ts";
import type { Paths } from "../../shared/settings/settings.ts";
import { StoreError } from "../../shared/store/store.ts";

/** What owner-gate says of its start, in one line. `locked`: another process is the gate. */
export type Begun =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly locked: boolean;
      readonly code: RefusalCode;
      readonly message: string;
      readonly cure: string;
    };

const PROGRAM = join(__dirname, "owner-gate.cjs");
/** Its bit in a set of capabilities (linux/capability.h). */
const CAP_NET_ADMIN = 1n << 12n;

/** @returns whose the state folder is, where we are root and it is another account's; else undefined */
export async function otherOwner({ state }: Paths): Promise<Owner | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const found = await lstat(state).catch(() => undefined);
  return found === undefined || found.uid === 0 ? undefined : found;
}

/**
 * Lets the state folder's owner be the gate for one command: root opens nothing that another account may have planted there.
 * @throws StoreError `locked` when another process is the gate; Refusal when it cannot begin
 */
export async function openOwnerAsker({ config }: Paths, owner: Owner): Promise<Asker> {
  const command = [...(await asOwner(owner)), process.execPath, PROGRAM, config];
  const { child, begun } = await begin(command);
  if (begun.ok && child.line !== undefined) return over(child, askerOver(child.line));
  const { locked, code, message, cure } = begun.ok ? silent("it has no line to us") : begun;
  throw locked ? new StoreError("locked", message, cure) : new Refusal(code, message, cure);
}

/** setpriv(1): the account, no other group, and no right but that to the packet filter, as far as we have it. */
async function asOwner({ uid, gid }: Owner): Promise<string[]> {
  const status = await readFile("/proc/self/status", "latin1");
  const held = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const rights = (held & CAP_NET_ADMIN) === 0n ? "-all" : "-all,+net_admin";
  return [
    "setpriv",
    ...[`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs"],
    ...[`--inh-caps=${rights}`, `--ambient-caps=${rights}`, `--bounding-set=${rights}`],
  ];
}

/** Starts it, and waits for its first line, or for its end. */
async function begin(command: readonly string[]): Promise<{ child: Child; begun: Begun }> {
  let said = "";
  let complaint = "";
  let heard = (): void => undefined;
  const line = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const child = start(command, {
    stdout: (text) => {
      said += text;
      if (said.endsWith("\n")) heard();
    },
    stderr: (text) => {
      complaint += text.slice(0, 1_000);
    },
    line: true,
  });
  await Promise.race([line, child.ended]);
  if (said.endsWith("\n")) return { child, begun: JSON.parse(said) };
  return { child, begun: silent(complaint.trim().split("\n").at(-1) ?? "") };
}

const silent = (why: string): Extract<Begun, { ok: false }> => ({
  ok: false,
  locked: false,
  code: "broken",
  message: `no gate could be started as the owner of the state folder: ${why}`,
  cure: "that account must be able to read node and knockline's programs; setpriv (util-linux) starts it",
});

/** The same asker, who is through only when the gate has let go of the store: the next command need not wait for it. */
const over = (child: Child, asker: Asker): Asker => ({
  ask: (verb, args) => asker.ask(verb, args),
  watch: (args) => asker.watch(args),
  close: async () => {
    await asker.close();
    await child.ended;
  },
});
