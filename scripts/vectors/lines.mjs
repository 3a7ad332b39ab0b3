// Lines that are signed rightly and say the wrong thing, and lines that are none.
import { ed25519 } from "./keys.mjs";
import { FIELDS, knock, malformed, NOW, OPENS, refused, vector } from "./knock.mjs";

export function lines() {
  const good = knock(ed25519);
  const one = (name, payload, expected, replay) => vector(name, [ed25519], payload, expected, replay);
  const says = (name, fields, expected) => one(name, knock(ed25519, fields), expected);
  const newline = malformed("it holds a newline: printf %s sends none");
  const bytes = malformed("it holds bytes that are not printable ASCII");
  const nine = malformed("it has not nine fields with one blank between two");
  const nonce = malformed("the nonce is not 16 bytes as 22 characters of base64url");
  const address = malformed("the address is neither - nor an address in its shortest form");
  const length = malformed("the length is neither - nor 1 to 31622400 seconds");
  const code = malformed("the code is neither - nor 4 to 8 digits");
  const time = malformed("the time is not whole seconds since 1970");
  const base64 = malformed("the signature is not padded base64 on one line");
  const [last, stamp] = [good.lastIndexOf(" "), { time: FIELDS.time, nonce: FIELDS.nonce }];
  return [
    says("for another server", { server: "pbx.example.com-aaaaaaaa" }, refused("ssh_other_server")),
    says("by another user", { user: "bob" }, refused("ssh_other_user")),
    says(
      "a clock 301 seconds behind",
      { time: NOW - 301 },
      refused("ssh_clock", "its clock is 5m01s behind, or it is old"),
    ),
    says("a clock an hour ahead", { time: NOW + 3600 }, refused("ssh_clock", "its clock is 1h ahead")),
    one("the same nonce again", good, refused("ssh_replayed"), { floor: 0, seen: [stamp] }),
    one("the same nonce at another time", knock(ed25519, { time: NOW }), refused("ssh_replayed"), {
      floor: 0,
      seen: [stamp],
    }),
    one("at the floor", good, refused("ssh_too_old"), { floor: FIELDS.time, seen: [] }),
    one("just above the floor", good, OPENS, { floor: FIELDS.time - 1, seen: [] }),
    one("1,401 bytes", good.padEnd(1401, "A"), refused("payload_too_long")),
    one("1,400 bytes", good.padEnd(1400, "A"), base64),
    one("nothing at all", "", malformed("it does not begin with KL1")),
    one("a one-time code", "123456", malformed("it does not begin with KL1")),
    one("another version", good.replace("KL1", "KL2"), malformed("it does not begin with KL1")),
    one("a newline at the end", `${good}\n`, newline),
    one("a carriage return at the end", `${good}\r`, bytes),
    one("a NUL at the end", `${good}\0`, bytes),
    one("a tab for a blank", good.replace(" ", "\t"), bytes),
    one("a letter beyond ASCII", good.replace("ann", "ånn"), bytes),
    one("a blank at the end", `${good} `, nine),
    one("a blank at the start", ` ${good}`, malformed("it does not begin with KL1")),
    one("two blanks", good.replace(" ann", "  ann"), nine),
    one("a field too few", good.replace(" ann", ""), nine),
    one("a field too many", good.replace(" ann", " ann x"), nine),
    says(
      "a server of 65 characters",
      { server: "a".repeat(65) },
      malformed("the server is not 1 to 64 visible characters"),
    ),
    says("a user in capitals", { user: "Ann" }, malformed("the user is no user's name")),
    says("a time with a leading zero", { time: `0${NOW}` }, time),
    says("a time with a fraction", { time: `${NOW}.5` }, time),
    says("a time below zero", { time: -1 }, time),
    says("a nonce of 15 bytes", { nonce: "AAECAwQFBgcICQoLDA0O" }, nonce),
    says("a nonce with its last bits set", { nonce: "AAECAwQFBgcICQoLDA0ODx" }, nonce),
    says("a nonce in plain base64", { nonce: "++ECAwQFBgcICQoLDA0ODw" }, nonce),
    says("a padded nonce", { nonce: "AAECAwQFBgcICQoLDA0ODw==" }, nonce),
    says("an IPv6 address with zeros", { address: "2001:0db8::1" }, address),
    says("an IPv6 address in capitals", { address: "2001:DB8::1" }, address),
    says("an IPv4-mapped address", { address: "::ffff:192.0.2.1" }, address),
    says("an IPv4 address with a leading zero", { address: "192.0.02.1" }, address),
    says("a network", { address: "2001:db8::/64" }, address),
    says("a host name", { address: "laptop.example.com" }, address),
    says("zero seconds", { seconds: 0 }, length),
    says("seconds with a leading zero", { seconds: "060" }, length),
    says("more than 366 days", { seconds: 31_622_401 }, length),
    says("a code of three digits", { code: "123" }, code),
    says("a code of nine digits", { code: "123456789" }, code),
    one("no signature", good.slice(0, last + 1), base64),
    one("a signature without its padding", knock(ed25519, {}, {}).replace(/=*$/, ""), base64),
    one(
      "a signature in base64url",
      good.slice(0, last + 1) +
        good
          .slice(last + 1)
          .replaceAll("+", "-")
          .replaceAll("/", "_"),
      base64,
    ),
    one("an armoured signature", `${good.slice(0, last)} -----BEGIN`, base64),
    one("a code changed afterwards", good.replace(" - - - ", " - - 4711 "), refused("ssh_signature_wrong")),
    one(
      "an address changed afterwards",
      good.replace(" - - - ", " 192.0.2.66 - - "),
      refused("ssh_signature_wrong"),
    ),
  ];
}
