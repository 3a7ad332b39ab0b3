import { strict as assert } from "node:assert";
import { prove } from "../../src/knockd/proofs/prove.ts";
import { kindOf, parseAddress, parseGrantAddress, prefix64 } from "../../src/shared/address.ts";
import { NO_REPLAY } from "../../src/shared/ssh/replay.ts";
import type { User } from "../../src/shared/users/user.ts";
import { assertNothingOf, assertPrintable, target } from "./target.ts";
import { datagrams, keyLines, scene } from "./vectors.ts";

const user: User = {
  name: scene.user,
  steps: [4711, 17_171, 7_777].map((port) => ({ proto: "udp", port })),
  proof: "ssh",
  services: ["ssh"],
  ttl: null,
  maxTtl: null,
  approval: "none",
  enabled: true,
  expires: null,
  created: 0,
  drawn: 0,
  pin: null,
  otp: null,
  sshKeys: keyLines,
  phone: null,
  callers: [],
};
const users = { none: { ...user, proof: "none" }, otp: { ...user, proof: "otp" }, ssh: user } as const;
const proven = (payload: Buffer, who: User) =>
  prove(payload, { user: who, server: scene.server, replay: NO_REPLAY, now: scene.now });

/** The payloads that were signed by a key of the user's, for here and now: nothing else may pass. */
const signed = datagrams.filter((payload) => proven(payload, user).ok);

export const payload = target({
  name: "payload",
  seeds: () => [...datagrams, "", "\n", "4711", "123456", " 123456 4711\r\n", "123456\0"],
  words: ["KL1 ", " - ", "123456", "4711", "\n", " ", scene.server, scene.user],
  run: (bytes) => ({
    none: proven(bytes, users.none),
    otp: proven(bytes, users.otp),
    ssh: proven(bytes, users.ssh),
  }),
  holds: ({ none, otp, ssh }, bytes) => {
    assert.equal(
      ssh.ok,
      signed.some((good) => good.equals(bytes)),
    );
    for (const proved of [none, otp, ssh]) {
      if (proved.ok) assert.match(proved.code ?? "4711", /^\d{4,8}$/);
      else if (proved.detail) assertPrintable(proved.detail);
      if (!proved.ok && proved.detail) assertNothingOf(bytes.toString("latin1"), proved.detail, 12);
    }
    if (otp.ok) assert.match(otp.otp ?? "", /^\d{6}$/);
  },
});

export const address = target({
  name: "address",
  seeds: () => [
    "192.0.2.1",
    "2001:db8::1",
    "2001:db8:1:2::/64",
    "::ffff:192.0.2.1",
    "fe80::1%eth0",
    "2001:0DB8:0:0:0:0:0:1/128",
    "::192.0.2.1",
    "010.0.0.1/32",
  ],
  words: ["::", ":", ".", "/", "64", "ffff", "255", "0x7f", "%lo", "1."],
  run: (bytes) => [parseAddress(bytes.toString()), parseGrantAddress(bytes.toString())],
  holds: ([host, opened], bytes) => {
    for (const one of [host, opened]) {
      if (one === undefined) continue;
      assert.match(one, /^[0-9a-f.:]{2,39}(\/64)?$/);
      assert.equal(parseGrantAddress(one), one);
      assert.equal(parseGrantAddress(prefix64(one)), prefix64(one));
      kindOf(one);
    }
    if (host !== undefined) assert.ok(bytes.length <= 45 && opened === host);
  },
});
