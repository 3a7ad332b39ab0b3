import type { Address } from "../../../shared/address.ts";
import { type Duration, formatDuration, milliseconds, seconds } from "../../../shared/duration.ts";
import type { Client } from "./client-file.ts";
import type { OutsidePlan } from "./plan.ts";

/** How a TCP connection went: accepted, answered with a reset, not answered, or there is no way. */
export type Reached = "open" | "refused" | "silent" | "unreachable";

/** The network as this machine sees it. */
export interface Outside {
  /** This machine's name. */
  readonly name: string;
  /** Milliseconds that never jump. */
  uptime(): number;
  /** @returns the address that the system prefers; undefined: the name has none */
  lookUp(host: string): Promise<Address | undefined>;
  /** An address of an interface of this machine, of the family that `like` is of; undefined: it has none. */
  addressOf(device: string, like: Address): Address | undefined;
  /** Tries one TCP connection and ends it at once. @param where `limit`: then it is silent */
  connect(where: {
    address: Address;
    port: number;
    from: Address | undefined;
    limit: Duration;
  }): Promise<Reached>;
  /**
   * Runs a client to its end.
   * @param tell is given each line that it says
   * @returns its exit code; undefined when it took too long or could not be started
   */
  knock(
    client: Client,
    address: Address,
    limit: Duration,
    tell: (line: string) => void,
  ): Promise<number | undefined>;
  pause(span: Duration): Promise<void>;
}

/** How each port of the plan was found. */
export type Doors = readonly { readonly port: number; readonly reached: Reached }[];

/** What was seen, step by step; a step that was not asked for, or could not be, is undefined. */
export interface Observed {
  readonly before: Doors;
  /** By the trusted interface, before any knock; "no address" when it has none. */
  readonly via: Doors | "no address" | undefined;
  readonly secondBefore: Doors | undefined;
  /** While the request waited for its call. */
  readonly waiting: Doors | undefined;
  readonly knock:
    | { readonly code: number | undefined; readonly said: readonly string[]; readonly after: Doors }
    | undefined;
  readonly secondAfter: Doors | undefined;
  /** When new connections were refused again, counted from the knock; null: not in the time that was waited. */
  readonly closed: { readonly after: Duration | null } | undefined;
}

/** A knock of three tries takes 6 s; a passphrase, a touch or a code is to be typed. */
const KNOCK_LIMIT = seconds(90);

/** What is dropped never answers; what is far away does within this, its first SYN lost or not. */
const SILENT_AFTER = seconds(2.5);

/** Before the second SYN, which might find the door that a quick call has opened. */
const ONE_SYN = seconds(0.9);

/** Between two looks whether the door is closed again. A grant is not renewed by a connection. */
const LOOK_EVERY = seconds(1);
/** How often is said how long is still to wait. */
const SAY_EVERY = seconds(15);

/** A client says a handful of lines. */
const MOST_SAID = 50;

/** Lines by which a client says that somebody must call now. */
const CALL_NOW = /^(Dial |Your phone will ring)/;

/** Says what is going on, for whoever waits. */
type Tell = (line: string) => void;

/** Looks at all ports of the plan, from the address that the system chooses unless one is named. */
type Look = (how?: { from?: Address | undefined; at?: Address; limit?: Duration }) => Promise<Doors>;

/** Walks through the steps of a plan. A step that cannot be told any more (the door was open before) is left out. */
export async function walk(
  plan: OutsidePlan,
  address: Address,
  outside: Outside,
  tell: Tell,
): Promise<Observed> {
  // all at once: one that is silent takes its whole time limit
  const look: Look = ({ from, at = address, limit = SILENT_AFTER } = {}) =>
    Promise.all(
      plan.ports.map(async (port) => ({
        port,
        reached: await outside.connect({ address: at, port, from, limit }),
      })),
    );
  const lookSecond = async () => plan.second && look({ from: plan.second });
  const [before, via, secondBefore] = await Promise.all([
    look(),
    plan.via && lookVia(plan.via, look, outside),
    lookSecond(),
  ]);
  const none = { waiting: undefined, knock: undefined, secondAfter: undefined, closed: undefined };
  if (plan.client === undefined || isAllOpen(before)) return { before, via, secondBefore, ...none };
  const { code, said, waiting, at } = await knock(plan.client, address, look, outside, tell);
  const [after, secondAfter] = await Promise.all([look(), lookSecond()]);
  const isOpen = after.some(({ reached }) => reached === "open");
  const closed =
    plan.wait !== undefined && isOpen ? await awaitExpiry(plan.wait, at, look, outside, tell) : undefined;
  return { before, via, secondBefore, waiting, knock: { code, said, after }, secondAfter, closed };
}

const isAllOpen = (doors: Doors): boolean => doors.every(({ reached }) => reached === "open");

async function lookVia({ device, host }: { device: string; host: string }, look: Look, outside: Outside) {
  const at = await outside.lookUp(host);
  const from = at && outside.addressOf(device, at);
  return at === undefined || from === undefined ? ("no address" as const) : look({ from, at });
}

/** Runs the client. Whoever is to call is told so only when it was seen that the knock alone opened nothing. */
async function knock(client: Client, address: Address, look: Look, outside: Outside, tell: Tell) {
  const said: string[] = []; // bounded: MOST_SAID
  let waiting: Promise<Doors> | undefined;
  const limit = client.approval === "none" ? KNOCK_LIMIT : seconds(client.pending + KNOCK_LIMIT / 1000);
  const code = await outside.knock(client, address, limit, (line) => {
    if (said.length < MOST_SAID) said.push(line);
    if (waiting !== undefined || !CALL_NOW.test(line)) return tell(line);
    waiting = look({ limit: ONE_SYN }).finally(() => tell(line));
  });
  return { code, said, at: outside.uptime(), waiting: await waiting };
}

async function awaitExpiry(
  wait: Duration,
  since: number,
  look: Look,
  outside: Outside,
  tell: Tell,
): Promise<{ after: Duration | null }> {
  let told = Number.NEGATIVE_INFINITY;
  for (;;) {
    const passed = milliseconds(outside.uptime() - since);
    if ((await look()).every(({ reached }) => reached !== "open")) return { after: passed };
    if (passed >= wait) return { after: null };
    if (passed - told >= SAY_EVERY) {
      tell(`waiting for the expiry: ${formatDuration(milliseconds(wait - passed))} at most`);
      told = passed;
    }
    await outside.pause(LOOK_EVERY);
  }
}
