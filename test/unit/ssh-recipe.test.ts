import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { proveSsh } from "../../src/knockd/proofs/ssh.ts";
import { parseKeyFile } from "../../src/shared/ssh/key-line.ts";
import { NO_REPLAY } from "../../src/shared/ssh/replay.ts";
import { needs } from "../helpers/needs.ts";
import { runs } from "../helpers/runs.ts";

const { test } = needs("ssh-keygen", "bash");
const folder = mkdtempSync(join(tmpdir(), "knockline-recipe-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The lines of bash in docs/protocol.md, with a plain print instead of sending. */
function recipe(): string {
  const text = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const [, bash = ""] = /```bash\n(.*?)```/s.exec(text) ?? [];
  const lines = bash.split("\n").filter((line) => !line.startsWith("printf x"));
  return lines.join("\n").replace(/ >"\/dev\/udp.*"/, "");
}

test.each([
  ["ed25519", "256"],
  ["ecdsa", "521"],
  ["rsa", String(runs(3072, 2048))], // the longer one takes a second to draw
])("the recipe in docs/protocol.md makes a knock that opens, by %s with %s bits", (type, bits) => {
  const key = join(folder, type);
  execFileSync("ssh-keygen", ["-q", "-t", type, "-b", bits, "-N", "", "-f", key]);
  const env = { PATH: process.env.PATH, key, server: "pbx.example.com-k3v9x2qa", user: "ann" };
  const payload = execFileSync("bash", ["-eu", "-c", recipe()], { env });
  const { keys } = parseKeyFile(readFileSync(`${key}.pub`, "utf8"));
  const against = { server: env.server, user: env.user, keys, replay: NO_REPLAY, now: Date.now() };
  expect(proveSsh(payload, against)).toMatchObject({
    ok: true,
    value: { user: "ann", key: keys[0]?.fingerprint },
  });
});
