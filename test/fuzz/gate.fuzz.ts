import { strict as assert } from "node:assert";
import { decodePhoneRequest } from "../../src/shared/gate/decode/phone-request.ts";
import { decodeRequest } from "../../src/shared/gate/decode/request.ts";
import { lineSplitter } from "../../src/shared/gate/lines.ts";
import { Refusal } from "../../src/shared/gate/verbs.ts";
import { type Attempt, assertNothingOf, assertPrintable, attempt, target } from "./target.ts";

/** Bytes of a line. */
const MAX_LINE = 65_536;

const question = (verb: string, args: object): string => JSON.stringify({ verb, args });

const admin = [
  question("grant", {
    address: "192.0.2.1",
    user: "ann",
    services: ["ssh"],
    ttl: 3600,
    reason: "on the road",
  }),
  question("extend", { id: "g12ab34", ttl: 60 }),
  question("revoke", { what: "ann", keep_sessions: true }),
  question("history", { since: "2026-01-01T00:00:00Z", user: "ann", address: "2001:db8::1" }),
  question("user_add", {
    name: "ann",
    proof: "otp",
    max_ttl: null,
    expires: null,
    steps: ["udp", "tcp", "udp"],
    pin: true,
    callers: ["+4912345"],
  }),
  question("user_rotate", { name: "ann", ports: true, pin: "48210739", otp: true }),
  question("firewall_apply", { confirm: 60, keep: ["192.0.2.1"], ssh_ports: [22] }),
  question("list", {}),
];

const session = "0123456789abcdef0123456789abcdef";
const phone = [
  question("verify_pin", {
    pin: "48210739",
    caller: { lane: "internal", endpoint: "PJSIP/201", number: "+4912345" },
    request: "p12ab34",
  }),
  question("verify_otp", { session, code: "123456" }),
  question("approve", { session, code: "482193", id: "p12ab34" }),
  question("grant_address", { session, address: "192.0.2.1", dry: true }),
  question("status", { session, link: "up" }),
  question("callbacks", {}),
];

const deep = [..."[{"].map((open) => question("list", {}).replace("{}", open.repeat(30_000)));
const words = [
  '"',
  ":",
  ",",
  "[",
  "]",
  "}",
  "null",
  "true",
  "1e400",
  "__proto__",
  "constructor",
  "toString",
  "args",
];

/** Reads one line of a socket. */
type Decode = (line: string) => { readonly verb: string; readonly args: object };

/** What was decoded is decoded the same when it is asked again; a refusal is a line for a person. */
function assertDecoded(decoded: Attempt<ReturnType<Decode>>, decode: Decode): void {
  if (decoded.ok) {
    const asked = JSON.stringify(decoded.value);
    assert.equal(JSON.stringify(decode(asked)), asked);
    assert.equal(Object.getPrototypeOf(decoded.value.args), Object.prototype);
  } else assertRefused(decoded.error as Refusal);
}

function assertRefused({ code, message, cure }: Refusal): void {
  assert.equal(code, "usage");
  for (const text of [message, cure]) {
    assertPrintable(text);
    assert.ok(text.length < 500, "a message of more than 500 characters");
  }
}

export const adminLine = target({
  name: "admin-line",
  seeds: () => [...admin, ...deep],
  words,
  run: (bytes) => attempt(() => decodeRequest(bytes.toString()), Refusal),
  holds: (decoded) => assertDecoded(decoded, decodeRequest),
});

export const phoneLine = target({
  name: "phone-line",
  seeds: () => [...phone, ...deep],
  words,
  run: (bytes) => attempt(() => decodePhoneRequest(bytes.toString()), Refusal),
  holds: (decoded, bytes) => {
    assertDecoded(decoded, decodePhoneRequest);
    // phone-auth sends PINs: a refusal, which is logged, must repeat none
    if (!decoded.ok) assertNothingOf(digitsOf(bytes), decoded.error.message, 4);
  },
});

const digitsOf = (bytes: Buffer): string => bytes.toString("latin1").replace(/\D/g, "");

export const splitLines = target({
  name: "lines",
  limit: 1_000, // three times over, and in pieces of seven bytes
  seeds: () => [...admin.map((line) => `${line}\n`), admin.join("\n"), `${"x".repeat(70_000)}\n`, "\n\n\n"],
  words: ["\n", "\r"],
  run: (bytes) => [7, 1_460, bytes.length + 1].map((size) => attempt(() => split(bytes, size), RangeError)),
  holds: (results, bytes) => {
    const [first] = results;
    for (const result of results) assert.deepEqual(result.ok && result.value, first?.ok && first.value);
    const whole = bytes.toString("utf8").split("\n");
    if (first?.ok) assert.deepEqual(first.value, whole.slice(0, -1));
    else assert.ok(whole.some((line) => Buffer.byteLength(line) > MAX_LINE));
  },
});

/** The lines of some bytes that come in pieces of that size. */
function split(bytes: Buffer, size: number): string[] {
  const take = lineSplitter(MAX_LINE);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += size) lines.push(...take(bytes.subarray(at, at + size)));
  return lines;
}
