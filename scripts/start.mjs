// @ts-check
// npm start: from a fresh checkout to a running knockline in one command, for this checkout alone: ./var.
// Nothing is closed before you say so; Ctrl-C takes everything back.
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, mkdirSync, unwatchFile, watchFile } from "node:fs";
import { hostname } from "node:os";
import { join, relative } from "node:path";
import { styled } from "./screen.mjs";
import {
  buildPrograms,
  has,
  installPackages,
  installTools,
  mayAdministrateNetwork,
  PATH,
  root,
  StepFailed,
  step,
} from "./steps.mjs";
import { isListening, until } from "./until.mjs";

const CONFIG = join(root, "var", "knockline.toml");
const SOCKET = join(root, "var", "admin.sock");
/** knockd listens here only where the settings turn the phone on. */
const PHONE_SOCKET = join(root, "var", "phone.sock");
const NO_PERMISSION = 4;

/** How knockctl is called from the checkout, for the commands that we print. */
const KNOCKCTL = `${process.env.SUDO_USER ? "sudo " : ""}bin/knockctl --config ${relative(root, CONFIG)}`;

/**
 * Runs bin/knockctl on ./var.
 * @param {string[]} args
 */
function knockctl(...args) {
  const env = { ...process.env, PATH };
  const options = /** @type {const} */ ({ cwd: root, encoding: "utf8", env });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["bin/knockctl", "--config", CONFIG, ...args],
    options,
  );
  return { code: status, stdout, stderr };
}

/** @param {string[]} args @returns {any} the JSON it answers @throws {StepFailed} with what it said */
function ask(...args) {
  const { code, stdout, stderr } = knockctl(...args, "--json");
  if (code !== 0) throw new StepFailed(stderr.trim() || `knockctl ${args.join(" ")} ended with ${code}`);
  return JSON.parse(stdout);
}

/** The settings, and what belongs beside them: `init` makes only what is missing. */
function makeInstance() {
  const found = existsSync(CONFIG);
  mkdirSync(join(root, "var"), { recursive: true, mode: 0o750 });
  const { code, stderr } = knockctl("init", "--no-user");
  if (code !== 0) throw new StepFailed(stderr.trim());
  return found ? "found" : "made, nothing is closed";
}

/** User `me` knocks without a proof: any stock client will do. Added when missing. */
function findOrAddMe() {
  const found = knockctl("user", "show", "me").code === 0;
  if (!found) ask("user", "add", "me", "--proof", "none");
  return found ? "found" : "added, with three secret ports";
}

/** The address by which this machine reaches the Internet. Connecting a datagram socket sends nothing. */
function ownAddress() {
  return new Promise((settle) => {
    const socket = createSocket("udp4");
    const end = (/** @type {string} */ answer) => {
      socket.close();
      settle(answer);
    };
    socket.once("error", () => end(hostname())); // no route: offline
    socket.once("connect", () => end(socket.address().address));
    socket.connect(9, "192.0.2.1");
  });
}

/**
 * Starts a daemon, its log on our terminal. A hard end of ours ends it too (PR_SET_PDEATHSIG).
 * @param {"knockd" | "phone-auth"} program
 */
function startDaemon(program) {
  const daemon = [process.execPath, join(root, "bin", program), "--config", CONFIG];
  const [command = "", ...args] = has("setpriv") ? ["setpriv", "--pdeathsig", "TERM", ...daemon] : daemon;
  // a session of its own: Ctrl-C is for us, and we stop it in order
  return spawn(command, args, {
    cwd: root,
    env: { ...process.env, PATH },
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
}

/** @param {import("node:child_process").ChildProcess} daemon */
const isOver = (daemon) => daemon.exitCode !== null || daemon.signalCode !== null;

/**
 * Starts phone-auth where the settings turn the phone on. It ends with knockd; knockd goes on without it.
 * @param {import("node:child_process").ChildProcess} knockd
 * @returns {Promise<Promise<void> | undefined>} settles when it has ended
 */
async function startPhone(knockd) {
  if (!(await isListening(PHONE_SOCKET))) return undefined;
  const phone = startDaemon("phone-auth");
  knockd.once("exit", () => phone.kill("SIGTERM"));
  return new Promise((settle) => {
    phone.once("exit", () => {
      if (!isOver(knockd))
        console.log("· phone-auth has ended, its last line above says why; knocks go on to work");
      settle();
    });
  });
}

/** @param {import("node:child_process").ChildProcess} knockd */
async function waitUntilUp(knockd) {
  const running = async () => {
    if (isOver(knockd)) return "over";
    return (await isListening(SOCKET)) && ask("status").knockd.state === "running" ? "up" : false;
  };
  const state = await until(running, { what: "knockd runs", deadline: 20_000, every: 100 });
  if (state === "over") throw new StepFailed("knockd ended at once; its last line above says why");
}

/** A dozen lines: who, how to knock, how to look, how to close a port. */
async function firstScreen() {
  const me = ask("user", "show", "me");
  const host = await ownAddress();
  const { bold, dim } = styled(process.stdout);
  const ports = me.steps.map((/** @type {{ port: number }} */ one) => one.port).join(" ");
  const { guard } = ask("status").firewall;
  const closed = guard === "nothing" ? "nothing is closed yet, try as you like" : `guard = "${guard}"`;
  const phone = (await isListening(PHONE_SOCKET))
    ? `on; a PIN for it: ${KNOCKCTL} user set me --pin`
    : `off; to be let in by a call and a PIN, see docs/phone.md and ${relative(root, CONFIG)}, [phone]`;
  return `
${bold("knockline is up:")} ${closed}. User ${bold("me")} opens ${me.services.join(", ")} by knocking udp ${ports}.

${bold("Knock")}, from your laptop:
  ${KNOCKCTL} user client me --host ${host} > knock.sh   ${dim("# bring it to the laptop with scp, there: bash knock.sh")}
  knock -u -d 20 ${host} ${ports}   ${dim("# or with a stock client")}
${bold("Look:")}
  ${KNOCKCTL} list --watch   ${dim("# who is in;  watch: every knock and why it was denied")}
${bold("Close a port")}, without locking yourself out: set guard = "services" in ${relative(root, CONFIG)}, then
  ${KNOCKCTL} firewall plan      ${dim("# what would change")}
  ${KNOCKCTL} firewall apply     ${dim("# on trial: the kernel takes it back after 60 s by itself")}
  ${KNOCKCTL} firewall confirm   ${dim("# if you are still in")}
${bold("Phone:")} ${phone}
Ctrl-C stops knockd and removes its firewall table.
`;
}

/**
 * Makes knockd read the settings again when their file is saved.
 * @param {import("node:child_process").ChildProcess} knockd
 * @param {Promise<void>} up before that, SIGHUP would end it
 */
function followSettings(knockd, up) {
  watchFile(CONFIG, { interval: 500 }, async () => {
    await up;
    console.log("· settings changed: knockd reads them again");
    knockd.kill("SIGHUP");
  });
}

/**
 * Stays until a signal comes or knockd ends, then takes the table away.
 * @param {import("node:child_process").ChildProcess} knockd
 * @returns {Promise<number>} exit code
 */
async function serve(knockd) {
  let asked = false;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      asked = true;
      knockd.kill("SIGTERM");
    });
  }
  if (!isOver(knockd)) await new Promise((settle) => knockd.once("exit", settle));
  unwatchFile(CONFIG);
  const { code, stderr } = knockctl("firewall", "teardown");
  const torn =
    code === 0
      ? "its firewall table is removed"
      : `but its firewall table may still be there: ${stderr.trim()}`;
  console.log(`\nknockd has ${asked ? "stopped" : "ended by itself"}, ${torn}.`);
  return asked && code === 0 ? 0 : 1;
}

async function main() {
  await installPackages();
  await step("nft", () => installTools({ nft: "nftables" }));
  await buildPrograms();
  await step("settings var/knockline.toml", makeInstance);
  if (!mayAdministrateNetwork()) {
    console.log(
      "\nAll is set up. To watch for knocks and open the firewall, knockd needs root (CAP_NET_ADMIN):",
    );
    console.log(
      "  sudo npm start     # run it here\n  npm run demo       # or see the show, in a network of its own, without root",
    );
    return NO_PERMISSION;
  }
  await step("user me", findOrAddMe);
  if (ask("status").knockd.state === "running") {
    console.log("\nknockd runs here already (another npm start?): it goes on, this one ends.");
    console.log(await firstScreen());
    return 0;
  }
  const knockd = startDaemon("knockd");
  const served = serve(knockd);
  const up = step("knockd", () => waitUntilUp(knockd), { live: false }); // its log comes first
  followSettings(knockd, up);
  try {
    await up;
  } catch (error) {
    knockd.kill("SIGTERM");
    await served;
    throw error;
  }
  console.log(await firstScreen());
  const phone = await startPhone(knockd);
  const code = await served;
  await phone;
  return code;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof StepFailed ? error.message : error);
  process.exitCode = 1;
}
