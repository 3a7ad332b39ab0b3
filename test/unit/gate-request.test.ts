import { describe, expect, test } from "vitest";
import { unreadable } from "../../src/knockctl/adapters/short-text.ts";
import { decodeRequest } from "../../src/shared/gate/decode/request.ts";

function refusalOf(verb: string, args: unknown): string {
  try {
    decodeRequest(JSON.stringify({ verb, args }));
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

const exported = {
  name: "ann",
  proof: "otp",
  services: [],
  ttl: null,
  max_ttl: null,
  approval: "none",
  enabled: true,
  expires: null,
  phone: null,
  callers: [],
  steps: ["udp", "udp", "udp"],
  ssh_keys: [],
  has_pin: false,
  has_otp: true,
};

describe("a question that does not fit", () => {
  test.each([
    ["user_show", { name: "" }, "name: may not be empty"],
    ["firewall_apply", { confirm: 90_000 }, "--confirm: at most 1d"],
    ["firewall_apply", { confirm: 0 }, "--confirm: at least 1s"],
    ["grant", { address: "192.0.2.1", reason: "x".repeat(201) }, "--reason: at most 200 characters"],
    ["grant", { address: "192.0.2.1", services: [""] }, "--services: may not be empty"],
    ["user_set", { name: "ann", max_ttl: 366 * 86_400 + 1 }, "--max-ttl: at most 366d"],
    ["user_set", { name: "ann", pin: "1".repeat(33) }, "--pin: at most 32 characters"],
    ["user_set", { name: "ann", ssh_keys: "x".repeat(32_769) }, "--ssh-key: at most 32768 characters"],
    ["history", { address: "x".repeat(201) }, "--addr: at most 200 characters"],
    ["history", { since: "soon" }, "--since: must be a time such as 2026-12-31T18:00:00Z"],
    ["allow_add", { what: "192.0.2.1", note: "a\nb" }, "--note: must be a note of one line"],
    ["unlock", { who: 7 }, "who: must be a text"],
    ["list", { quickly: true }, "nothing is known of quickly"],
    [
      "allow_import",
      { entries: [{ what: "192.0.2.1", line: 4, note: "x".repeat(201) }] },
      "line 4, note: at most 200 characters",
    ],
    [
      "user_import",
      { users: [{ ...exported, proof: "pin" }] },
      "user ann, proof: must be one of none, otp, ssh",
    ],
    ["user_import", { users: [{ ...exported, steps: ["udp"] }] }, "user ann, steps: at least 3 of them"],
    [
      "user_import",
      { users: [exported, { ...exported, name: "" }] },
      "the user in place 2, name: may not be empty",
    ],
  ])("%s is told what and how much, as its command calls it: %#", (verb, args, message) => {
    expect(refusalOf(verb, args)).toBe(message);
  });
});

test.each([
  ["ENOENT", 'there is no file "nofile"'],
  ["EACCES", "nofile may not be read by this user"],
  ["EIO", "nofile cannot be read: i/o error"],
])("a file that cannot be read (%s) is told in one plain sentence", (code, what) => {
  expect(unreadable("nofile", Object.assign(new Error("i/o error"), { code }))).toBe(what);
});
