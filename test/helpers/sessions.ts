import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect } from "vitest";
import { kill, spaceOf } from "../../scripts/lab-children.mjs";
import type { Instance } from "./instance.ts";
import type { Host } from "./lab.ts";
import { always, until } from "./wait.ts";

/** A TCP session that a host of the lab holds open. */
export interface HeldSession {
  /** Says something and waits until it comes back. @throws Error when it does not within two seconds */
  works(): Promise<void>;
  /**
   * Waits, saying something all the while, until this side is told that it is over; a session that only falls
   * silent is not. Mostly that is ECONNRESET, or EPIPE or an end when the reset comes while something is written.
   * @throws Error when it is not told within the deadline, 5,000 ms by default
   */
  isToldItsEnd(deadline?: number): Promise<void>;
}

/** Opens a session to a service that echoes. @throws Error when it is not let in */
export async function holdSession(from: Host, to: Host, port: number): Promise<HeldSession> {
  const { outcome, session } = await from.agent.openSession({ address: to.address, port });
  if (session === null) throw new Error(`${from.name} was not let in to port ${port}: ${outcome}`);
  const say = () => from.agent.sessionState({ session, say: "x" });
  return {
    async works() {
      const { received: before } = await from.agent.sessionState({ session });
      await until(async () => (await say()).received > before, {
        what: "the session answers",
        deadline: 2_000,
      });
    },
    async isToldItsEnd(deadline = 5_000) {
      const how = await until(async () => (await say()).ended, { what: "it is told its end", deadline });
      expect(["ECONNRESET", "EPIPE", "closed"]).toContain(how);
    },
  };
}

/** @returns how many TCP sessions with a peer the host itself believes in, on one of its ports */
export async function sessionsWith(host: Host, peer: string, port: number): Promise<number> {
  const filter = `dst ${peer} and sport = :${port}`;
  const { stdout } = await host.run("ss", ["-H", "-t", "-n", "state", "connected", filter]);
  return stdout.split("\n").filter((line) => line !== "").length;
}

/** How long one try of a door waits for an answer, in ms: longer than a busy machine stands still. */
const PATIENCE = 400;

/**
 * Stands before an open door until it closes, and sees that it was open until its time, closed within a second of
 * it, and stays closed.
 * @param expires ms since 1970
 */
export async function expectClosesAt(
  instance: Instance,
  from: Host,
  port: number,
  expires: number,
): Promise<void> {
  let tried = 0;
  const isShut = async (): Promise<boolean> => {
    tried = Date.now();
    return (await instance.tryConnect(from, port, { timeout: PATIENCE })) !== "open";
  };
  const deadline = expires - Date.now() + 3_000;
  await until(isShut, { what: `port ${port} closes`, deadline, every: 50 });
  expect(tried - expires, "closed that many ms after its time").toBeLessThan(1_000);
  expect(tried - expires, "closed before its time").toBeGreaterThan(-PATIENCE - 100);
  await always(isShut, { what: `port ${port} stays closed`, deadline: 600 });
}

/** @returns when the only live grant (of that address) ends, ms since 1970 @throws when there is not exactly one */
export async function onlyGrantEnds(instance: Instance, address?: string): Promise<number> {
  const { grants } = await instance.json(["list"]);
  const found = grants.filter((grant: { address: string }) => [undefined, grant.address].includes(address));
  expect(found).toHaveLength(1);
  return Date.parse(found[0].expires);
}

/** Kills with -9 whatever of ours runs on a host: knockd, knockctl, and the nft and tcpdump children they left. */
export function killOurs(host: Host): void {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && spaceOf(name) === host.space);
  for (const pid of pids) if (isOurs(pid)) kill(Number(pid));
}

function isOurs(pid: string): boolean {
  try {
    const [program = "", script = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return ["nft", "tcpdump"].includes(basename(program)) || /^knock(d|ctl)$/.test(basename(script));
  } catch {
    return false; // it has ended by itself
  }
}
