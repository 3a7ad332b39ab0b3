import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { childrenOf } from "../../scripts/lab-children.mjs";
import { seconds } from "../../src/shared/duration.ts";
import { Watcher } from "../helpers/drill.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { expectClosesAt } from "../helpers/sessions.ts";
import { until } from "../helpers/wait.ts";

/**
 * The nft program fails us: doors open and close as ever, for elements need no program; status says that nobody can
 * look after the rules, and all comes back by itself.
 */

const { describe, test } = needs("root", "namespaces", "nft", "ip");
const { test: testLong } = needs("root", "namespaces", "nft", "ip", "long");

/** Stands before the real nft on knockd's PATH. What it does, another file says: `ok`, `fails` or `hangs`. */
const STAND_IN = `#!/bin/sh
case "$(cat "$0.mood")" in
  fails) echo "Error: a drill" >&2; exit 1 ;;
  hangs) exec sleep 1000 ;;
  *) PATH="\${PATH#*:}" exec nft "$@" ;;
esac
`;

let folder: string;
let scene: Scene<"laptop" | "stranger">;
let watcher: Watcher;
let user: User;

const becomes = (mood: "ok" | "fails" | "hangs"): void => writeFileSync(join(folder, "nft.mood"), mood);

/** Kills with -9 the nft children of knockd. */
const killChildren = (): void => {
  for (const pid of childrenOf(scene.instance.pid ?? 0)) process.kill(pid, "SIGKILL");
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "knockline-nft-"));
  writeFileSync(join(folder, "nft"), STAND_IN);
  chmodSync(join(folder, "nft"), 0o755);
  becomes("ok");
  scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services" }, knock: { decoys: 5 } });
  watcher = new Watcher(scene);
  user = await scene.instance.addUser("ann", ["--services", "ssh"]);
  await scene.instance.start({ PATH: `${folder}:${process.env.PATH}` }, { under: ["unshare", "-m"] });
});
afterAll(async () => {
  await scene?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** In knockd's own mount namespace: there is no program in /usr/sbin, which /sbin is too. */
const hide = async (): Promise<void> => {
  rmSync(join(folder, "nft"));
  await mount("--bind", folder, "/usr/sbin");
};
const show = async (): Promise<void> => {
  const ran = await scene.server.run("nsenter", ["-t", `${scene.instance.pid}`, "-m", "umount", "/usr/sbin"]);
  if (ran.code !== 0) throw new Error(ran.stderr);
};
async function mount(...args: string[]): Promise<void> {
  const ran = await scene.server.run("nsenter", ["-t", `${scene.instance.pid}`, "-m", "mount", ...args]);
  if (ran.code !== 0) throw new Error(ran.stderr);
}

describe("while every nft", () => {
  const faults: Record<string, { begin: () => unknown; end: () => unknown; words: RegExp; long?: boolean }> =
    {
      fails: { begin: () => becomes("fails"), end: () => becomes("ok"), words: /a drill/ },
      hangs: {
        begin: () => becomes("hangs"),
        end: () => {
          becomes("ok");
          killChildren(); // nothing else would end their sleep
        },
        words: /nft did not answer: timeout/,
        long: true, // every nft is given ten seconds
      },
      "is gone": { begin: hide, end: show, words: /nft is not installed; install it: apt-get install/ },
    };

  for (const [what, { begin, end, words, long = false }] of Object.entries(faults)) {
    (long ? testLong : test)(
      `${what}: knocks open and doors close on time, status says what is wrong; then it is well`,
      async () => {
        const { instance, hosts } = scene;
        const { laptop, stranger } = hosts;
        const expires = await watcher.grant(laptop, seconds(5));
        await begin();
        killChildren(); // the monitor: it cannot be started again, and so somebody looks at the rules
        await instance.knock(stranger, user);
        await until(() => watcher.isOpenTo(stranger), { what: "a knock opens, and waits for no nft" });
        await expectClosesAt(instance, laptop, 22, expires);
        await watcher.says(words, 90_000);
        await instance.ask("revoke", { all: true });
        await watcher.expectOpenOnlyTo();
        await watcher.grant(laptop, seconds(60));
        await watcher.expectOpenOnlyTo(laptop);

        await end();
        await watcher.isWell(90_000);
        await watcher.expectOpenOnlyTo(laptop);
        await instance.ask("revoke", { all: true });
        await watcher.expectOpenOnlyTo();
      },
      240_000,
    );
  }
});
