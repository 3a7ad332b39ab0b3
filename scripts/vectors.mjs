// Makes test/vectors/sshsig/*.json anew: signed knocks by the real ssh-keygen, by security keys played after OpenSSH's
// PROTOCOL.u2f, and mutants of them, each with the refusal that is due. Shares no code with the verifier on purpose.
// The keys are drawn each time; the vectors are committed.   usage: node scripts/vectors.mjs
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const out = join(dirname(dirname(fileURLToPath(import.meta.url))), "test/vectors/sshsig");
const folder = mkdtempSync(join(tmpdir(), "knockline-vectors-"));

const NAMESPACE = "knock@knockline";
const NOW = 1_790_000_000; // unix seconds at which all vectors are judged
const FIELDS = {
  version: "KL1",
  server: "pbx.example.com-k3v9x2qa",
  user: "ann",
  time: NOW - 2,
  nonce: "AAECAwQFBgcICQoLDA0ODw",
  address: "-",
  seconds: "-",
  code: "-",
};

// ---- the wire format -----------------------------------------------------------------------------------

const u32 = (n) => Buffer.from([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
const string = (content) => Buffer.concat([u32(Buffer.from(content).length), Buffer.from(content)]);
const join_ = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

/** An mpint above zero of a big-endian number. */
function mpint(bytes) {
  let digits = Buffer.from(bytes);
  while (digits[0] === 0) digits = digits.subarray(1);
  return string(digits[0] >= 0x80 ? join_([0], digits) : digits);
}

/** The strings that a blob consists of, after `skip` bytes. */
function strings(blob, skip = 0) {
  const found = [];
  for (let at = skip; at + 4 <= blob.length; ) {
    const length = blob.readUInt32BE(at);
    found.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

const sshsig = ({
  magic = "SSHSIG",
  version = 1,
  key,
  namespace = NAMESPACE,
  reserved = "",
  hash = "sha512",
  signature,
  tail = "",
}) =>
  join_(
    magic,
    u32(version),
    string(key),
    string(namespace),
    string(reserved),
    string(hash),
    string(signature),
    tail,
  );

/** What an SSHSIG signs. */
const signedData = (message, { namespace = NAMESPACE, reserved = "", hash = "sha512" } = {}) =>
  join_(
    "SSHSIG",
    string(namespace),
    string(reserved),
    string(hash),
    string(createHash(hash).update(message).digest()),
  );

// ---- keys ----------------------------------------------------------------------------------------------

/** A key pair of ssh-keygen's. */
function keyPair(name, ...options) {
  const file = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-N", "", "-C", "ann@laptop", "-f", file, ...options]);
  const line = readFileSync(`${file}.pub`, "utf8").trim();
  const pem = options.includes("PEM") ? createPrivateKey(readFileSync(file)) : undefined;
  return { file, line, pem, blob: Buffer.from(line.split(" ")[1], "base64") };
}

/** The blob that ssh-keygen -Y sign makes of a message. */
function keygenSign({ file }, message, { namespace = NAMESPACE, hash = "sha512" } = {}) {
  const options = ["-q", "-Y", "sign", "-f", file, "-n", namespace, "-O", `hashalg=${hash}`];
  const armoured = execFileSync("ssh-keygen", options, { input: message, encoding: "utf8" });
  return Buffer.from(armoured.replace(/-----.*?-----|\s/g, ""), "base64");
}

/** A security key played by node:crypto. */
function securityKey(kind, application = "ssh:") {
  const isEcdsa = kind === "ecdsa";
  const { privateKey, publicKey } = isEcdsa
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("ed25519");
  const { x, y } = publicKey.export({ format: "jwk" });
  const bytes = (text) => Buffer.from(text, "base64url");
  const type = isEcdsa ? "sk-ecdsa-sha2-nistp256@openssh.com" : "sk-ssh-ed25519@openssh.com";
  const point = isEcdsa ? [string("nistp256"), string(join_([4], bytes(x), bytes(y)))] : [string(bytes(x))];
  const blob = join_(string(type), ...point, string(application));
  return {
    type,
    isEcdsa,
    privateKey,
    application,
    blob,
    line: `${type} ${blob.toString("base64")} ann@token`,
  };
}

/** What a security key makes of a message: flags 1 touched, 4 PIN or fingerprint given. */
function securitySign(key, message, { flags = 1, counter = 7, application = key.application } = {}) {
  const tail = join_([flags], u32(counter));
  const data = join_(sha256(application), tail, sha256(signedData(message)));
  const raw = sign(key.isEcdsa ? "sha256" : null, data, { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  const inner = key.isEcdsa ? join_(mpint(raw.subarray(0, 32)), mpint(raw.subarray(32))) : raw;
  return sshsig({ key: key.blob, signature: join_(string(key.type), string(inner), tail) });
}

// ---- knocks --------------------------------------------------------------------------------------------

const lineOf = (fields = {}) => Object.values({ ...FIELDS, ...fields }).join(" ");
const datagram = (message, blob) => `${message} ${blob.toString("base64")}`;
const knock = (key, fields = {}, options = {}) => {
  const message = lineOf(fields);
  return datagram(message, keygenSign(key, message, options));
};

/** One vector: everything that the verdict depends on. `payload` is one character a byte. */
const vector = (name, keys, payload, expected, replay = { floor: 0, seen: [] }) => ({
  name,
  now: NOW,
  server: FIELDS.server,
  user: FIELDS.user,
  keys: keys.map(({ line }) => line),
  replay,
  payload: payload.toString("latin1"),
  expected,
});
const OPENS = { opens: { address: null, seconds: null, code: null } };
const refused = (reason, detail = null) => ({ refused: reason, detail });

const malformed = (detail) => refused("ssh_malformed", detail);
const broken = (detail) => refused("ssh_signature_malformed", detail);
const LEFT_OVER = "bytes are missing or left over";
const INNERMOST = "its innermost part is not well-formed";

const ed25519 = keyPair("ed25519", "-t", "ed25519");
const stranger = keyPair("stranger", "-t", "ed25519");
const p256 = keyPair("p256", "-t", "ecdsa", "-b", "256", "-m", "PEM");
const p384 = keyPair("p384", "-t", "ecdsa", "-b", "384", "-m", "PEM");
const p521 = keyPair("p521", "-t", "ecdsa", "-b", "521", "-m", "PEM");
const rsa2048 = keyPair("rsa2048", "-t", "rsa", "-b", "2048", "-m", "PEM");
const rsa3072 = keyPair("rsa3072", "-t", "rsa", "-b", "3072", "-m", "PEM");
const rsa4096 = keyPair("rsa4096", "-t", "rsa", "-b", "4096", "-m", "PEM");
const rsa1024 = keyPair("rsa1024", "-t", "rsa", "-b", "1024", "-m", "PEM");
const skEd25519 = securityKey("ed25519");
const skEcdsa = securityKey("ecdsa");

/** A knock whose RSA signature has another algorithm than ssh-keygen chooses. */
function rsaKnock({ blob, pem }, algorithm, hash) {
  const message = lineOf();
  const signature = join_(string(algorithm), string(sign(hash, signedData(message), pem)));
  return datagram(message, sshsig({ key: blob, signature }));
}

/** Takes a knock of ssh-keygen's apart, and puts it together with some parts changed. */
function remade(payload, change) {
  const [message, base64] = [
    payload.slice(0, payload.lastIndexOf(" ")),
    payload.slice(payload.lastIndexOf(" ") + 1),
  ];
  const [key, namespace, reserved, hash, signature] = strings(Buffer.from(base64, "base64"), 10);
  const parts = { key, namespace, reserved, hash, signature };
  return datagram(message, sshsig({ ...parts, ...change(parts) }));
}

function genuine() {
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

function securityKeys() {
  const verified = { line: `verify-required ${skEd25519.line}` };
  const by = (key, options) => datagram(lineOf(), securitySign(key, lineOf(), options));
  const elsewhere = securityKey("ed25519", "ssh:elsewhere");
  return [
    vector("sk-ed25519, touched", [skEd25519], by(skEd25519), OPENS),
    vector("sk-ecdsa, touched", [skEcdsa], by(skEcdsa), OPENS),
    vector("sk-ed25519 with an application of its own", [elsewhere], by(elsewhere), OPENS),
    vector("sk-ed25519, not touched", [skEd25519], by(skEd25519, { flags: 0 }), refused("ssh_untouched")),
    vector("sk-ecdsa, not touched", [skEcdsa], by(skEcdsa, { flags: 0 }), refused("ssh_untouched")),
    vector("verify-required, touched and verified", [verified], by(skEd25519, { flags: 5 }), OPENS),
    vector("verify-required, only touched", [verified], by(skEd25519), refused("ssh_unverified")),
    vector(
      "verify-required, verified but not touched",
      [verified],
      by(skEd25519, { flags: 4 }),
      refused("ssh_untouched"),
    ),
    vector(
      "signed for another application",
      [skEd25519],
      by(skEd25519, { application: "ssh:x" }),
      refused("ssh_signature_wrong"),
    ),
    vector(
      "the touch put in afterwards",
      [skEd25519],
      remade(by(skEd25519, { flags: 0 }), ({ signature }) => {
        const touched = Buffer.from(signature);
        touched[touched.length - 5] = 1;
        return { signature: touched };
      }),
      refused("ssh_signature_wrong"),
    ),
    vector(
      "another counter than was signed",
      [skEcdsa],
      remade(by(skEcdsa), ({ signature }) => ({
        signature: join_(signature.subarray(0, -4), u32(8)),
      })),
      refused("ssh_signature_wrong"),
    ),
    vector(
      "flags and counter missing",
      [skEd25519],
      remade(by(skEd25519), ({ signature }) => ({
        signature: signature.subarray(0, -5),
      })),
      broken(INNERMOST),
    ),
    vector(
      "a webauthn signature",
      [skEcdsa],
      remade(by(skEcdsa), ({ signature }) => ({
        signature: join_(
          string("webauthn-sk-ecdsa-sha2-nistp256@openssh.com"),
          signature.subarray(4 + skEcdsa.type.length),
        ),
      })),
      refused("ssh_algorithm", "webauthn signatures are made by browsers"),
    ),
  ];
}

/** Lines that are signed rightly and say the wrong thing, and lines that are none. */
function lines() {
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
    says("a time in milliseconds and a fraction", { time: `${NOW}.5` }, time),
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

/** SSHSIG blobs that are not as they must be. */
function blobs() {
  const good = knock(ed25519);
  const one = (name, change, expected) => vector(name, [ed25519], remade(good, change), expected);
  const signature64 = (type, bytes) => ({ signature: join_(string(type), string(bytes)) });
  return [
    vector("a key that is not this user's", [stranger], good, refused("ssh_key_unknown")),
    vector("no key at all", [], good, refused("ssh_key_unknown")),
    vector(
      "signed for another purpose",
      [ed25519],
      knock(ed25519, {}, { namespace: "file" }),
      refused("ssh_namespace"),
    ),
    one("the purpose put in afterwards", () => ({ namespace: "file" }), refused("ssh_namespace")),
    one("version 2", () => ({ version: 2 }), broken("not SSHSIG version 1")),
    one("another magic", () => ({ magic: "SSHSIh" }), broken("not SSHSIG version 1")),
    one("a byte behind the blob", () => ({ tail: "\0" }), broken(LEFT_OVER)),
    one("a reserved field", () => ({ reserved: "x" }), broken("its reserved field is not empty")),
    one("hashed with sha1", () => ({ hash: "sha1" }), broken("its hash is neither sha256 nor sha512")),
    one("the hash put in afterwards", () => ({ hash: "sha256" }), refused("ssh_signature_wrong")),
    one(
      "a byte behind the public key",
      ({ key }) => ({ key: join_(key, "\0") }),
      broken("its public key is not well-formed"),
    ),
    one(
      "a public key of 31 bytes",
      ({ key }) => ({ key: join_(string("ssh-ed25519"), string(key.subarray(-31))) }),
      broken("its public key is not well-formed"),
    ),
    one("another's public key", () => ({ key: stranger.blob }), refused("ssh_key_unknown")),
    one(
      "a byte behind the signature",
      ({ signature }) => ({ signature: join_(signature, "\0") }),
      broken(INNERMOST),
    ),
    one(
      "a signature of 63 bytes",
      ({ signature }) => signature64("ssh-ed25519", signature.subarray(-63)),
      broken(INNERMOST),
    ),
    one(
      "another type's algorithm",
      ({ signature }) => signature64("ecdsa-sha2-nistp256", signature.subarray(-64)),
      refused("ssh_algorithm"),
    ),
    one(
      "S beyond the group's order",
      ({ signature }) => signature64("ssh-ed25519", beyondOrder(signature.subarray(-64))),
      refused("ssh_signature_wrong"),
    ),
    one("cut short", ({ signature }) => ({ signature: signature.subarray(0, 10) }), broken(INNERMOST)),
    ...ecdsaBlobs(),
    ...rsaBlobs(),
    ...refusedKeys(good),
  ];
}

const number = (bytes) => BigInt(`0x${bytes.toString("hex")}`);
const bytesOf = (n) => Buffer.from(n.toString(16).padStart(64, "0"), "hex");
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** R | S + L: the same point, and refused by RFC 8032. */
function beyondOrder(signature) {
  const s = number(Buffer.from(signature.subarray(32)).reverse()) + ED25519_ORDER;
  return join_(signature.subarray(0, 32), bytesOf(s).reverse());
}

function ecdsaBlobs() {
  const good = knock(p256);
  const replay = { floor: 0, seen: [{ time: FIELDS.time, nonce: FIELDS.nonce }] };
  const inner = ({ signature }) => strings(strings(signature)[1]);
  const withNumbers = (change) =>
    remade(good, (parts) => ({
      signature: join_(string("ecdsa-sha2-nistp256"), string(change(...inner(parts)))),
    }));
  const twin = withNumbers((r, s) => join_(string(r), mpint(bytesOf(P256_ORDER - number(s)))));
  const one = (name, change, expected) => vector(name, [p256], withNumbers(change), expected);
  return [
    vector("(r, n-s) is a good signature too", [p256], twin, OPENS),
    vector("(r, n-s) after (r, s)", [p256], twin, refused("ssh_replayed"), replay),
    one(
      "ecdsa: r with a needless zero",
      (r, s) => join_(string(join_([0], r)), string(s)),
      broken(INNERMOST),
    ),
    one("ecdsa: s zero", (r) => join_(string(r), string("")), broken(INNERMOST)),
    one(
      "ecdsa: r below zero",
      (_, s) => join_(string(join_([0x80], Buffer.alloc(31))), string(s)),
      broken(INNERMOST),
    ),
    one(
      "ecdsa: r of 33 bytes",
      (r, s) => join_(string(join_([1], r.subarray(-32))), string(s)),
      broken(INNERMOST),
    ),
    one("ecdsa: a byte behind s", (r, s) => join_(string(r), string(s), "\0"), broken(INNERMOST)),
    one("ecdsa: r and s exchanged", (r, s) => join_(string(s), string(r)), refused("ssh_signature_wrong")),
  ];
}

function rsaBlobs() {
  const good = knock(rsa2048);
  const [type, e, n] = strings(rsa2048.blob);
  const one = (name, payload, expected) => vector(name, [rsa2048], payload, expected);
  const padded = join_(string(type), string(e), string(join_([0], n)));
  return [
    one(
      "RSA with SHA-1",
      rsaKnock(rsa2048, "ssh-rsa", "sha1"),
      refused("ssh_algorithm", "SHA-1 is broken: sign with OpenSSH 8.1 or newer"),
    ),
    one(
      "rsa-sha2-256 named, SHA-1 made",
      rsaKnock(rsa2048, "rsa-sha2-256", "sha1"),
      refused("ssh_signature_wrong"),
    ),
    one(
      "RSA: the modulus with a needless zero",
      remade(good, () => ({ key: padded })),
      broken("its public key is not well-formed"),
    ),
    one(
      "RSA: a signature with a zero in front",
      remade(good, ({ signature }) => ({
        signature: join_(string("rsa-sha2-512"), string(join_([0], strings(signature)[1]))),
      })),
      refused("ssh_signature_wrong"),
    ),
  ];
}

/** Keys of kinds that are not taken. The signature does not cover the key's blob, so any signature will do. */
function refusedKeys(good) {
  const kind = (name, key, detail) =>
    vector(
      name,
      [ed25519],
      remade(good, () => ({ key })),
      refused("ssh_key_refused", detail),
    );
  return [
    kind("a certificate", certificate().blob, "certificates are not taken: give the plain public key"),
    kind(
      "a webauthn key",
      string("webauthn-sk-ecdsa-sha2-nistp256@openssh.com"),
      "webauthn keys live in browsers, which cannot sign a knock",
    ),
    kind(
      "a DSA key",
      string("ssh-dss"),
      "DSA keys are not taken: they are too weak, and OpenSSH dropped them",
    ),
    kind("RSA with 1024 bits", rsa1024.blob, "RSA under 2048 bits is too weak: use ssh-ed25519"),
    kind(
      "RSA with 4096 bits",
      rsa4096.blob,
      "RSA over 3072 bits makes a datagram that is too long: use ssh-ed25519",
    ),
    kind(
      "a key of the future",
      string("ssh-mldsa65"),
      "a key of a type that is not known here: use ssh-ed25519",
    ),
  ];
}

/** An OpenSSH certificate for the ed25519 key. */
function certificate() {
  execFileSync("ssh-keygen", ["-q", "-s", stranger.file, "-I", "ann", "-n", "ann", `${ed25519.file}.pub`]);
  const line = readFileSync(`${ed25519.file}-cert.pub`, "utf8").trim();
  return { line, blob: Buffer.from(line.split(" ")[1], "base64") };
}

/** Lines of authorized_keys, with the fingerprint that ssh-keygen prints, or the refusal. */
function keyLines() {
  const fingerprint = (line) => {
    const file = join(folder, "line.pub");
    writeFileSync(file, `${line}\n`);
    return execFileSync("ssh-keygen", ["-l", "-f", file], { encoding: "utf8" }).split(" ")[1];
  };
  const taken = (name, line) => ({ name, line, expected: { fingerprint: fingerprint(line) } });
  const not = (name, line, reason) => ({ name, line, expected: { refused: reason } });
  const offCurve = Buffer.from(p256.blob);
  offCurve[offCurve.length - 1] ^= 1;
  const [type, , n] = strings(rsa2048.blob);
  const [bare] = [ed25519.line.split(" ").slice(0, 2).join(" ")];
  return [
    ...Object.entries({ ed25519, p256, p384, p521, rsa2048, rsa3072, skEd25519, skEcdsa }).map(
      ([name, key]) => taken(name, key.line),
    ),
    taken("no comment", bare),
    { ...taken("verify-required", skEd25519.line), line: `verify-required ${skEd25519.line}` },
    not("verify-required for a key that cannot", `verify-required ${ed25519.line}`, "key_option"),
    not("no-touch-required", `no-touch-required ${skEd25519.line}`, "key_option"),
    not("from", `from="192.0.2.0/24" ${ed25519.line}`, "key_option"),
    not("a command with blanks", `restrict,command="do this" ${ed25519.line}`, "key_option"),
    not("expiry-time", `expiry-time="20300101" ${ed25519.line}`, "key_option"),
    not("a certification authority", `cert-authority ${ed25519.line}`, "key_option"),
    not("two options", `verify-required,no-pty ${skEd25519.line}`, "key_option"),
    not("a certificate", certificate().line, "key_certificate"),
    not("webauthn", `webauthn-${skEcdsa.line}`, "key_webauthn"),
    not("DSA", "ssh-dss AAAAB3NzaC1kc3MAAACBAA== ann", "key_dss"),
    not("RSA with 1024 bits", rsa1024.line, "key_rsa_short"),
    not("RSA with 4096 bits", rsa4096.line, "key_rsa_long"),
    not(
      "RSA with the exponent 1",
      `ssh-rsa ${join_(string(type), string([1]), string(n)).toString("base64")}`,
      "key_garbage",
    ),
    not(
      "RSA with an even exponent",
      `ssh-rsa ${join_(string(type), string([4]), string(n)).toString("base64")}`,
      "key_garbage",
    ),
    not("a type of the future", "ssh-mldsa65 AAAAC3NzaC1tbGRzYTY1AA== ann", "key_type"),
    not("a point off its curve", `ecdsa-sha2-nistp256 ${offCurve.toString("base64")}`, "key_garbage"),
    not("another type in front", bare.replace("ssh-ed25519", "ssh-rsa"), "key_garbage"),
    not(
      "a byte behind the key",
      `ssh-ed25519 ${join_(ed25519.blob, "\0").toString("base64")}`,
      "key_garbage",
    ),
    not("cut short", bare.slice(0, -8), "key_garbage"),
    not("words", "this is no key", "key_garbage"),
    not("a type and nothing else", "ssh-ed25519", "key_garbage"),
    not("a line without end", `${ed25519.line} ${"x".repeat(2_048)}`, "key_garbage"),
  ];
}

const files = { genuine, "security-keys": securityKeys, lines, blobs, "key-lines": keyLines };
try {
  for (const [name, make] of Object.entries(files)) {
    const vectors = make();
    writeFileSync(join(out, `${name}.json`), `${JSON.stringify(vectors, null, 1)}\n`);
    console.log(`${name}.json: ${vectors.length} vectors`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
