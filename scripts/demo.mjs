// @ts-check
// npm run demo: the whole path in throw-away network namespaces, with the real daemon, the real kernel and a real
// TCP service; nothing of this machine's network is touched. Exit code 0 only if every step came out as told.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { duration, play, setStage } from "./demo-acts.mjs";
import { exitOnSignals, openLab } from "./lab.mjs";
import { styled } from "./screen.mjs";
import {
  buildPrograms,
  has,
  installPackages,
  installTools,
  mayAdministrateNetwork,
  StepFailed,
  step,
} from "./steps.mjs";

const NO_PERMISSION = 4;
const BROKEN = 5;
const ROOTLESS = ["-Un", "--map-current-user", "--keep-caps"];

const { bold, green } = styled(process.stdout);
const began = performance.now();

async function show() {
  const lab = await openLab();
  /** @type {import("./demo-acts.mjs").Stage | undefined} */
  let stage;
  try {
    await step("a server, two laptops, and user alice with three secret ports", async () => {
      stage = await setStage(lab);
    });
    await step("knockd", () => stage?.instance.start());
    await play(/** @type {import("./demo-acts.mjs").Stage} */ (stage));
  } catch (error) {
    const log = stage?.instance.log() ?? "";
    if (log !== "") console.log(`\nknockd's last words:\n${log.split("\n").slice(-15).join("\n")}`);
    throw error;
  } finally {
    await lab.close();
    await stage?.instance.remove();
  }
  console.log(
    `\n${green("✓")} ${bold("All as told")}, in ${duration(performance.now() - began)}. Nothing of it is left on this machine.`,
  );
}

/** Runs the demo again in a user namespace, where an ordinary user may make networks. @returns {number} exit code */
function inUserNamespace() {
  if (spawnSync("unshare", [...ROOTLESS, "true"]).status !== 0) {
    console.error("This system does not let ordinary users make network namespaces.");
    console.error(
      "Run it as root: sudo npm run demo   (or allow it: sysctl kernel.unprivileged_userns_clone=1,",
    );
    console.error("on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)");
    return NO_PERMISSION;
  }
  const again = [...ROOTLESS, process.execPath, fileURLToPath(import.meta.url)];
  const { status } = spawnSync("unshare", again, {
    stdio: "inherit",
    env: { ...process.env, KNOCKLINE_DEMO_INSIDE: "1" },
  });
  return status ?? 1;
}

async function main() {
  if (process.env.KNOCKLINE_DEMO_INSIDE !== "1") {
    await installPackages();
    await buildPrograms();
    await step("tools", () => installTools({ nft: "nftables", ip: "iproute2" }));
    const lacking = ["nft", "ip", "nsenter", "unshare", "setpriv", "script"].filter((name) => !has(name));
    if (lacking.length > 0) {
      console.error(`The demo needs ${lacking.join(", ")}.`);
      console.error("Install them: sudo apt-get install nftables iproute2 util-linux bsdutils");
      return BROKEN;
    }
    if (!mayAdministrateNetwork()) return inUserNamespace();
  }
  exitOnSignals();
  await show();
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`\n${error instanceof StepFailed ? error.message : error}`);
  process.exitCode = 1;
}
