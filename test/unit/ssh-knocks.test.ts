import { beforeEach, describe, expect, test } from "vitest";
import { Knocks } from "../../src/knockd/knocks.ts";
import { prove } from "../../src/knockd/proofs/prove.ts";
import type { GateEvent } from "../../src/shared/access/event.ts";
import type { Address } from "../../src/shared/address.ts";
import { seconds } from "../../src/shared/duration.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import type { AdminVerbs, Verb } from "../../src/shared/gate/verbs.ts";
import { StoreError } from "../../src/shared/store/store.ts";
import { settleDecoys } from "../../src/shared/users/decisions.ts";
import { type TestGate, testGate } from "../helpers/gate.ts";
import { until } from "../helpers/wait.ts";
import { drawSigner, type Fields, signKnock } from "./ssh-signer.ts";

const LAPTOP = "192.0.2.1";
const ELSEWHERE = "192.0.2.2";
const ann = drawSigner("ed25519");

let t: TestGate;
let knocks: Knocks;
let ports: number[];
/** How many payloads were looked into. */
let proved = 0;
/** Monotonic ms, as the listeners give them. */
let now = 0;
/** What waits to be rehearsed. */
let later: (() => void)[] = [];

const ask = <V extends Exclude<Verb, "watch">>(verb: V, args: AdminVerbs[V]["args"]) =>
  answer(t.gate, verb, args, noKnockd(t.gate));
const live = async () => (await ask("list", {})).grants;

beforeEach(async () => {
  t = await testGate();
  const draw = await t.gate.parts.draw();
  await t.gate.run((state, tx) => settleDecoys(state, tx, draw));
  const { user } = await ask("user_add", { name: "ann", ssh_keys: ann.key.line });
  ports = user.steps.map(({ port }) => port);
  proved = 0;
  later = [];
  knocks = new Knocks(
    t.gate,
    (...payload) => {
      proved++;
      return prove(...payload);
    },
    (task) => later.push(task),
  );
  now = 1_000_000;
});

/** A knock signed now. */
function signed(fields: Partial<Fields> = {}): Buffer {
  const time = Math.floor(t.gate.parts.clock().wall / 1000);
  const usual = { server: "pbx-test1234", user: "ann", nonce: "AAECAwQFBgcICQoLDA0ODw" };
  return signKnock(ann, { ...usual, time, address: null, length: null, code: null, ...fields });
}

/** Sends a payload to one port after the other, 20 ms apart. */
function send(list: readonly number[], payload: Buffer, source: string): void {
  for (const port of list) {
    now += 20;
    knocks.take({ source, proto: "udp", port }, payload, now);
  }
}

/** Knocks all three. @returns what it came to */
async function knock(payload: Buffer, source = LAPTOP): Promise<GateEvent> {
  const before = t.events.length;
  send(ports, payload, source);
  const outcome = () =>
    t.events
      .slice(before)
      .find(({ event }) => !["step", "user-added", "user-changed", "expired"].includes(event));
  return until(outcome, { what: "the knock comes to something" });
}

const denied = (reason: string) => ({ event: "denied", reason });

describe("no payload is looked into", () => {
  const noise = (seed: number) => {
    let a = seed;
    return () => {
      a = (Math.imul(a, 1_664_525) + 1_013_904_223) >>> 0;
      return a / 2 ** 32;
    };
  };
  const all = Array.from({ length: 65_535 }, (_, i) => i + 1);

  test.each([
    ["ascending", (list: number[]) => list],
    ["descending", (list: number[]) => list.reverse()],
    ["in any order", (list: number[]) => shuffled(list, noise(7))],
  ])("by a sweep of all ports, %s", async (_, order) => {
    send(order([...all]), signed(), LAPTOP);
    await t.gate.alone(async () => {});
    expect(t.events.some(({ event }) => event === "step" || event === "denied")).toBe(true);
    expect(proved).toBe(0);
    expect(await live()).toEqual([]);
  });

  test("of the three ports in any wrong order, or of any step before the last", async () => {
    const [a, b, c] = ports as [number, number, number];
    const wrong = [
      [a, c, b],
      [b, a, c],
      [b, c, a],
      [c, a, b],
      [c, b, a],
      [a, b],
      [a, a, b, b],
    ];
    wrong.forEach((order, n) => {
      send(order, signed(), `198.51.100.${n + 2}`);
    });
    await t.gate.alone(async () => {});
    expect(proved).toBe(0);
    expect(await knock(signed())).toMatchObject({ event: "opened" });
    expect(proved).toBe(1);
  });

  test("of a repeat while its door is open", async () => {
    const payload = signed();
    await knock(payload);
    expect(await knock(payload)).toMatchObject({ event: "ignored" });
    expect(proved).toBe(1);
  });
});

describe("a signed knock opens once", () => {
  test("also after a restart, and with the clock set back", async () => {
    const payload = signed();
    expect(await knock(payload)).toMatchObject({ event: "opened" });
    expect(await knock(payload, ELSEWHERE)).toMatchObject(denied("ssh_replayed"));
    await t.restart();
    knocks = new Knocks(t.gate);
    expect(await knock(payload, ELSEWHERE)).toMatchObject(denied("ssh_replayed"));
    const { wall } = t.gate.parts.clock();
    t.pass(seconds(1_000));
    await knock(signed({ nonce: "AAECAwQFBgcICQoLDA0ODg" }));
    t.setWall(wall); // the old knock is in time once more, and was forgotten: the floor holds
    expect(await knock(payload, ELSEWHERE)).toMatchObject(denied("ssh_too_old"));
    expect(await live()).toMatchObject([{ address: LAPTOP }]);
  });

  test("is rehearsed while the last one is missing: no proof is tried for it, nobody hears of it, nothing opens", async () => {
    const before = await t.store.read("");
    send(ports.slice(0, 1), signed(), LAPTOP);
    expect(later).toHaveLength(0);
    send(ports.slice(1, 2), signed(), LAPTOP);
    for (let round = 0; round < 5; round++) for (const task of later.splice(0)) task();
    expect(later).toHaveLength(1);
    expect(proved).toBe(0);
    expect(await t.store.read("")).toEqual(before);
    expect(await t.keys("ssh4")).toEqual([]);
    send(ports.slice(2), signed(), LAPTOP);
    await until(async () => (await t.keys("ssh4")).includes(LAPTOP), { what: "the last knock opens" });
    for (const task of later.splice(0)) task();
    expect(later).toHaveLength(0);
  });

  test("also when its user is removed and made anew", async () => {
    const payload = signed();
    await knock(payload);
    await ask("user_remove", { name: "ann" });
    const { user } = await ask("user_add", { name: "ann", ssh_keys: ann.key.line });
    ports = user.steps.map(({ port }) => port);
    knocks.settle();
    expect(await knock(payload)).toMatchObject(denied("ssh_replayed"));
  });

  test("of two at the same moment only one", async () => {
    const payload = signed();
    send(ports, payload, LAPTOP);
    expect(await knock(payload, ELSEWHERE)).toMatchObject(denied("ssh_replayed"));
    await until(() => t.events.some(({ event }) => event === "opened"), { what: "the first one opens" });
    expect(await live()).toMatchObject([{ address: LAPTOP }]);
  });

  test("and not before the disk knows that it is used up", async () => {
    let write = (): void => undefined;
    const isWritten = new Promise<void>((resolve) => {
      write = resolve;
    });
    let hasAsked = false;
    t.store.disk = () => {
      hasAsked = true;
      return isWritten;
    };
    send(ports, signed(), LAPTOP);
    await until(() => hasAsked, { what: "the disk is asked" });
    expect(await t.keys("ssh4")).toEqual([]);
    write();
    await until(async () => (await t.keys("ssh4")).includes(LAPTOP), { what: "the door opens" });
  });

  test("and not at all when that cannot be written down", async () => {
    const payload = signed();
    t.store.broken = new StoreError("failed", "the disk is full", "make room");
    expect(await knock(payload)).toMatchObject(denied("store_failed"));
    t.store.broken = undefined;
    expect(await live()).toEqual([]);
    expect(await knock(payload)).toMatchObject({ event: "opened" });
  });

  test("and is used up even where the policy says no", async () => {
    const named = signed({ address: ELSEWHERE as Fields["address"] });
    expect(await knock(named)).toMatchObject(denied("ssh_address"));
    expect(await knock(named, ELSEWHERE)).toMatchObject(denied("ssh_replayed"));
    expect(await live()).toEqual([]);
  });
});

test("a key that is taken away while its knock waits its turn opens nothing", async () => {
  let release = () => {};
  const busy = new Promise<void>((done) => {
    release = done;
  });
  void t.gate.alone(() => busy);
  const change = ask("user_set", { name: "ann", ssh_keys: drawSigner("ed25519").key.line });
  await new Promise(setImmediate); // the change stands in the queue now, and the knock comes behind it
  send(ports, signed(), LAPTOP);
  release();
  await change;
  const isDenied = () => t.events.find(({ event }) => event === "denied");
  expect(await until(isDenied, { what: "the knock is denied" })).toMatchObject(denied("user_changed"));
  expect(await live()).toEqual([]);
});

test("the signed length is taken as far as it is allowed", async () => {
  await knock(signed({ length: seconds(90) }));
  await knock(signed({ length: seconds(90_000), nonce: "AAECAwQFBgcICQoLDA0ODg" }), ELSEWHERE);
  expect((await live()).map(({ length }) => length)).toEqual([90, 12 * 3600]);
});

test("an address of one's own may be private whatever private_addresses says, signed or not; another never opens", async () => {
  const home = "10.9.8.7" as Address;
  expect(await knock(signed(), home)).toMatchObject({ event: "opened", address: home });
  const named = signed({ address: home, nonce: "AAECAwQFBgcICQoLDA0ODg" });
  expect(await knock(named, home)).toMatchObject({ event: "renewed", address: home });
  const other = signed({ address: "10.9.8.8" as Address, nonce: "AAECAwQFBgcICQoLDA0ODQ" });
  expect(await knock(other, home)).toMatchObject({ event: "denied", reason: "ssh_address" });
});

test("with an approval the request bears the signed code and length, and the knock opens nothing", async () => {
  await ask("user_set", { name: "ann", approval: "phone", pin: true });
  expect(await knock(signed({ code: "482193", length: seconds(90) }))).toMatchObject({ event: "asked" });
  expect([...t.gate.state.pending.values()]).toMatchObject([
    { address: LAPTOP, code: "482193", length: 90_000, proof: "ssh" },
  ]);
  expect(await live()).toEqual([]);
});

describe("a user with keys", () => {
  test("signs, unless another proof is asked for, and gets no authenticator he did not ask for", async () => {
    const { user, once } = await ask("user_add", { name: "bob", ssh_keys: `# laptop\n${ann.key.line}\n` });
    expect(user).toMatchObject({ proof: "ssh", ssh_keys: [ann.key.fingerprint], has_otp: false });
    expect(once).toEqual({});
    const otp = await ask("user_add", { name: "eve", ssh_keys: ann.key.line, proof: "otp" });
    expect(otp.user).toMatchObject({ proof: "otp", ssh_keys: [ann.key.fingerprint], has_otp: true });
  });

  test("keeps at least one of them, for as long as he signs", async () => {
    await expect(ask("user_add", { name: "bob", proof: "ssh" })).rejects.toMatchObject({ code: "refused" });
    await expect(ask("user_set", { name: "ann", ssh_keys: null })).rejects.toMatchObject({ code: "refused" });
    const { user } = await ask("user_set", { name: "ann", ssh_keys: null, proof: "otp" });
    expect(user).toMatchObject({ proof: "otp", ssh_keys: [], has_otp: true });
  });

  test("is stored with them", async () => {
    await t.restart();
    const { user } = await ask("user_show", { name: "ann" });
    expect(user).toMatchObject({ proof: "ssh", ssh_keys: [ann.key.fingerprint] });
  });
});

/** Fisher and Yates' shuffle. */
function shuffled(list: number[], random: () => number): number[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j] as number, list[i] as number];
  }
  return list;
}
