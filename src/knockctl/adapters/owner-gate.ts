/**
 * The gate for one command of root's: dist/owner-gate.cjs, which knockctl starts as the account that the state folder belongs
 * to (owner-asker.ts). Whatever that account put there, root opens none of it. Its argument is the settings file; on
 * standard output it says how its start went, on file descriptor 3 it answers.
 */
import { Socket } from "node:net";
import { serveOne } from "../../shared/gate/adapters/server.ts";
import { noKnockd } from "../../shared/gate/answers/answerer.ts";
import { refusal } from "../../shared/gate/refusal.ts";
import { loadSettings } from "../../shared/settings/adapters/load.ts";
import { StoreError } from "../../shared/store/store.ts";
import { openShortGate } from "./local-asker.ts";
import type { Begun } from "./owner-asker.ts";

const say = (begun: Begun): void => void process.stdout.write(`${JSON.stringify(begun)}\n`);

async function serve(config: string): Promise<void> {
  const gate = await openShortGate(await loadSettings(config));
  const socket = new Socket({ fd: 3, allowHalfOpen: true });
  socket.on("close", () => void gate.close().then(() => process.exit(0)));
  serveOne(socket, gate, noKnockd(gate));
  say({ ok: true });
}

serve(process.argv[2] ?? "").catch((error) => {
  const { code, message, cure } = refusal(error);
  say({ ok: false, locked: error instanceof StoreError && error.why === "locked", code, message, cure });
  process.exitCode = 1;
});
