// Makes test/vectors/sshsig/*.json anew: signed knocks by the real ssh-keygen, by security keys played after OpenSSH's
// PROTOCOL.u2f, and mutants of them, each with the refusal that is due. The keys are drawn each time; the vectors are
// committed, so this runs only when a vector is added.   usage: node scripts/vectors.mjs
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { blobs } from "./vectors/blobs.mjs";
import { genuine } from "./vectors/genuine.mjs";
import { keyLines } from "./vectors/key-lines.mjs";
import { lines } from "./vectors/lines.mjs";
import { securityKeys } from "./vectors/security-keys.mjs";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "test/vectors/sshsig");
const files = { genuine, "security-keys": securityKeys, lines, blobs, "key-lines": keyLines };

for (const [name, make] of Object.entries(files)) {
  const vectors = make();
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(vectors, null, 1)}\n`);
  console.log(`${name}.json: ${vectors.length} vectors`);
}
