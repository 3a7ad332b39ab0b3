// @ts-check
// npm run demo: the whole path in throw-away network namespaces, with the real daemon, the real kernel and a real
// TCP service; nothing of this machine's network is touched. Exit code 0 only if every step came out as told.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setKnockStage } from "./demo-acts.mjs";
import { haveAsterisk, setPhoneStage } from "./demo-phone-acts.mjs";
import { duration } from "./demo-tell.mjs";
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

const HELP = `npm run demo                knocks: a door opens for one address, and closes by itself
npm run demo -- --phone     calls: PIN and keys open it, on a real Asterisk (20 MB, fetched once, not installed)

Both run in networks of their own and leave nothing behind. Exit code 0: every step came out as told.
`;

const USAGE = 2;
const NO_PERMISSION = 4;
const BROKEN = 5;
const ROOTLESS = ["-Un", "--map-current-user", "--keep-caps"];

const { bold, green } = styled(process.stdout);
const began = performance.now();

/** @param {(lab: import("./lab.mjs").Lab) => Promise<import("./demo-tell.mjs").Stage>} set */
async function show(set) {
  const lab = await openLab();
  /** @type {import("./demo-tell.mjs").Stage | undefined} */
  let stage;
  try {
    stage = await set(lab);
    await stage.play();
  } catch (error) {
    const log = stage?.log() ?? "";
    if (log !== "") console.log(`\nthe daemons' last words:\n${log.split("\n").slice(-15).join("\n")}`);
    throw error;
  } finally {
    await lab.close();
    await stage?.close();
  }
  console.log(
    `\n${green("✓")} ${bold("All as told")}, in ${duration(performance.now() - began)}. Nothing of it is left on this machine.`,
  );
}

/**
 * Runs the demo again in a user namespace, where an ordinary user may make networks.
 * @param {string[]} args
 * @returns {number} exit code
 */
function inUserNamespace(args) {
  if (spawnSync("unshare", [...ROOTLESS, "true"]).status !== 0) {
    console.error("This system does not let ordinary users make network namespaces.");
    const again = ["sudo npm run demo", ...args].join(args.length > 0 ? " -- " : "");
    console.error(`Run it as root: ${again}   (or allow it: sysctl kernel.unprivileged_userns_clone=1,`);
    console.error("on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)");
    return NO_PERMISSION;
  }
  const again = [...ROOTLESS, process.execPath, fileURLToPath(import.meta.url), ...args];
  const { status } = spawnSync("unshare", again, {
    stdio: "inherit",
    env: { ...process.env, KNOCKLINE_DEMO_INSIDE: "1" },
  });
  return status ?? 1;
}

/** @returns {{ phone?: boolean, help?: boolean } | undefined} what was asked for; undefined when it is not known */
function readArguments() {
  try {
    return parseArgs({ options: { phone: { type: "boolean" }, help: { type: "boolean", short: "h" } } })
      .values;
  } catch {
    return undefined;
  }
}

async function main() {
  const asked = readArguments();
  if (!asked || asked.help) {
    (asked ? process.stdout : process.stderr).write(HELP);
    return asked ? 0 : USAGE;
  }
  const phone = asked.phone === true;
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
    if (phone) await haveAsterisk();
    if (!mayAdministrateNetwork()) return inUserNamespace(phone ? ["--phone"] : []);
  }
  exitOnSignals();
  await show(phone ? setPhoneStage : setKnockStage);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`\n${error instanceof StepFailed ? error.message : error}`);
  process.exitCode = 1;
}
