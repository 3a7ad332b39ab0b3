// Security keys, touched and untouched.
import { securityKey, securitySign, skEcdsa, skEd25519 } from "./keys.mjs";
import { broken, datagram, INNERMOST, lineOf, OPENS, refused, remade, vector } from "./knock.mjs";
import { concat, string, u32 } from "./wire.mjs";

export function securityKeys() {
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
        signature: concat(signature.subarray(0, -4), u32(8)),
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
        signature: concat(
          string("webauthn-sk-ecdsa-sha2-nistp256@openssh.com"),
          signature.subarray(4 + skEcdsa.type.length),
        ),
      })),
      refused("ssh_algorithm", "webauthn signatures are made by browsers"),
    ),
  ];
}
