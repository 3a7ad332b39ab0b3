import { beforeEach, describe, expect, test } from "vitest";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import { decodeRequest } from "../../src/shared/gate/decode/request.ts";
import type { AdminVerbs, Verb } from "../../src/shared/gate/verbs.ts";
import type { UserExport } from "../../src/shared/gate/views.ts";
import { type TestGate, testGate } from "../helpers/gate.ts";
import { drawSigner } from "./ssh-signer.ts";

const LINE = drawSigner("ed25519").key.line;

let here: TestGate;
let there: TestGate;

/** Asks as over the socket: what the decoder does not know does not pass. */
async function ask<V extends Exclude<Verb, "watch">>(test: TestGate, verb: V, args: AdminVerbs[V]["args"]) {
  const request = decodeRequest(JSON.stringify({ verb, args }));
  const said = await answer(test.gate, verb, request.args as AdminVerbs[V]["args"], noKnockd(test.gate));
  return JSON.parse(JSON.stringify(said)) as AdminVerbs[V]["result"];
}

const users = async (test: TestGate) => [...test.gate.state.users.values()];
const changes = (result: AdminVerbs["user_import"]["result"]) =>
  result.users.map(({ name, change }) => [name, change]);

beforeEach(async () => {
  [here, there] = [await testGate(), await testGate()];
  await ask(here, "user_add", { name: "alice", ssh_keys: LINE, ttl: 600, expires: "2027-01-01T00:00:00Z" });
  await ask(here, "user_add", {
    name: "bob",
    pin: true,
    approval: "call",
    phone: "+4930555",
    callers: ["201"],
  });
});

describe("user export", () => {
  test("holds no secret unless asked for", async () => {
    const { users: exported, vault } = await ask(here, "user_export", {});
    const text = JSON.stringify(exported);
    expect(vault).toBeUndefined();
    for (const { steps, pin, otp } of await users(here)) {
      for (const { port } of steps) expect(text).not.toContain(String(port));
      for (const secret of [pin, otp]) if (secret !== null) expect(text).not.toContain(secret);
    }
    expect(exported).toMatchObject([
      { name: "alice", proof: "ssh", ssh_keys: [LINE], ttl: 600, steps: ["udp", "udp", "udp"] },
      { name: "bob", proof: "otp", has_pin: true, has_otp: true, phone: "+4930555", callers: ["201"] },
    ]);
  });

  test("of one user is that user; of nobody is refused", async () => {
    expect((await ask(here, "user_export", { name: "bob" })).users.map(({ name }) => name)).toEqual(["bob"]);
    await expect(ask(here, "user_export", { name: "eve" })).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("user import", () => {
  test("adds users with secrets drawn anew and shown once; again, it changes and draws nothing", async () => {
    const exported = await ask(here, "user_export", {});
    const first = await ask(there, "user_import", exported);
    expect(changes(first)).toEqual([
      ["alice", "added"],
      ["bob", "added"],
    ]);
    expect(first.users.map(({ once }) => Object.keys(once).sort())).toEqual([[], ["otp_uri", "pin"]]);
    expect((await ask(there, "user_export", {})).users).toEqual(exported.users);
    const written = await there.store.read("");
    const second = await ask(there, "user_import", exported);
    expect(changes(second)).toEqual([
      ["alice", "unchanged"],
      ["bob", "unchanged"],
    ]);
    expect(second.users.every(({ once }) => Object.keys(once).length === 0)).toBe(true);
    expect(await there.store.read("")).toEqual(written);
  });

  test("with secrets brings the ports, PIN and authenticator as they were, and is as idempotent", async () => {
    const exported = await ask(here, "user_export", { secrets: true });
    await there.gate.run((_state, tx) => tx.setDecoys(exported.users[0]?.secrets?.ports ?? []));
    await ask(there, "user_import", exported);
    const bare = ({ created: _, ...rest }: Record<string, unknown>) => rest;
    expect((await users(there)).map((user) => bare({ ...user }))).toEqual(
      (await users(here)).map((user) => bare({ ...user })),
    );
    expect(there.gate.state.decoys).toEqual([]);
    expect(changes(await ask(there, "user_import", exported)).map(([, change]) => change)).toEqual([
      "unchanged",
      "unchanged",
    ]);
  });

  test("with secrets of another instance's secret is refused", async () => {
    const { users: exported } = await ask(here, "user_export", { secrets: true });
    for (const vault of [undefined, "feedfeedfeedfeed"])
      await expect(
        ask(there, "user_import", { users: exported, ...(vault && { vault }) }),
      ).rejects.toMatchObject({
        code: "refused",
        message: expect.stringMatching(/another instance's secret/),
      });
    expect(await users(there)).toEqual([]);
  });

  test("changes what differs, closes what is not allowed any more, and leaves others alone", async () => {
    const { users: exported } = await ask(here, "user_export", {});
    const [before] = await users(here);
    await ask(here, "grant", { address: "203.0.113.7", user: "bob" });
    await ask(here, "user_add", { name: "carol", proof: "none" });
    const wanted: UserExport[] = exported.map((user) =>
      user.name === "bob" ? { ...user, enabled: false, has_pin: false, approval: "none" } : user,
    );
    expect(changes(await ask(here, "user_import", { users: wanted }))).toEqual([
      ["alice", "unchanged"],
      ["bob", "changed"],
    ]);
    expect(here.gate.state.users.get("alice")).toBe(before);
    expect(here.gate.state.users.get("bob")).toMatchObject({ enabled: false, pin: null });
    expect((await ask(here, "list", {})).grants).toEqual([]);
    expect(here.gate.state.users.has("carol")).toBe(true);
  });

  test("takes all users or none", async () => {
    const { users: exported } = await ask(here, "user_export", {});
    const bad = { ...(exported[1] as UserExport), services: ["nosuch"] };
    const alice = exported[0] as UserExport;
    await expect(ask(there, "user_import", { users: [alice, bad] })).rejects.toMatchObject({ code: "usage" });
    expect(await users(there)).toEqual([]);
  });

  test("refuses ports that are another user's here", async () => {
    const exported = await ask(here, "user_export", { name: "alice", secrets: true });
    const stranger = { ...(exported.users[0] as UserExport), name: "mallory" };
    await expect(ask(here, "user_import", { ...exported, users: [stranger] })).rejects.toMatchObject({
      message: expect.stringMatching(/belong to another user/),
    });
    expect(here.gate.state.users.has("mallory")).toBe(false);
  });

  test.each([
    ["a key too many", { more: 1 }],
    ["a name that is none", { name: 7 }],
    ["two steps", { steps: ["udp", "udp"] }],
  ])("refuses %s", async (_name, wrong) => {
    const { users: exported } = await ask(here, "user_export", {});
    const spoilt = [{ ...exported[0], ...wrong }] as unknown as UserExport[];
    await expect(ask(there, "user_import", { users: spoilt })).rejects.toMatchObject({ code: "usage" });
  });
});
