// Knocks as they should be, and one whose key makes it too long.
import { ed25519, p256, p384, p521, rsa2048, rsa3072, rsa4096, stranger } from "./keys.mjs";
import { knock, NOW, OPENS, refused, rsaKnock, vector } from "./knock.mjs";

export function genuine() {
  const filled = { address: "2001:db8::1", seconds: "3600", code: "4711" };
  const opensFilled = { opens: { address: "2001:db8::1", seconds: 3600, code: "4711" } };
  const kinds = { ed25519, p256, p384, p521, rsa2048, rsa3072 };
  return [
    ...Object.entries(kinds).map(([name, key]) => vector(`${name}, by ssh-keygen`, [key], knock(key), OPENS)),
    vector("every field filled in", [p256], knock(p256, filled), opensFilled),
    vector("an IPv4 address", [ed25519], knock(ed25519, { address: "192.0.2.1" }), {
      opens: { ...OPENS.opens, address: "192.0.2.1" },
    }),
    vector("the message hashed with sha256", [ed25519], knock(ed25519, {}, { hash: "sha256" }), OPENS),
    vector(
      "rsa-sha2-256 instead of rsa-sha2-512",
      [rsa2048],
      rsaKnock(rsa2048, "rsa-sha2-256", "sha256"),
      OPENS,
    ),
    vector("the second of two keys", [stranger, ed25519], knock(ed25519), OPENS),
    vector("a clock 300 seconds behind", [ed25519], knock(ed25519, { time: NOW - 300 }), OPENS),
    vector("a clock 300 seconds ahead", [ed25519], knock(ed25519, { time: NOW + 300 }), OPENS),
    vector("RSA with 4096 bits, by ssh-keygen", [], knock(rsa4096), refused("payload_too_long")),
  ];
}
