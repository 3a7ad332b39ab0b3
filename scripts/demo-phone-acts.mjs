// @ts-check
// What `npm run demo -- --phone` shows: two calls that open a door and one that does not, on a real Asterisk.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ARI_PASSWORD, startAsterisk } from "./asterisk.mjs";
import { cachedAsterisk, fetchAsterisk } from "./asterisk-fetch.mjs";
import { chapter, check, checkSilent, closesOnTime, expectSame, onlyGrantEnds, quote } from "./demo-tell.mjs";
import { TranscribedCall } from "./demo-transcript.mjs";
import { makeInstance } from "./lab-instance.mjs";
import { styled } from "./screen.mjs";
import { root, step } from "./steps.mjs";
import { until } from "./until.mjs";

/** How long the first door stays open, in seconds: to the end of the call, and a little. */
const TTL = 8;

const { cyan } = styled(process.stdout);

/** @typedef {import("./lab-host.mjs").Host} Host */
/** @typedef {import("./lab-instance.mjs").Instance} Instance */
/** @typedef {{ host: Host, pin: string }} Caller a laptop, and its user's PIN */
/** @typedef {{ instance: Instance, asterisk: import("./asterisk.mjs").Asterisk, alice: Caller, bob: Caller, script: string }} Scene `script`: bob's knock client */

/** Fetches Asterisk when it is not in the cache, with a line for each step of it. */
export async function haveAsterisk() {
  await step("Asterisk", async () => {
    if (cachedAsterisk()) return "cached";
    await fetchAsterisk((line) => console.log(`${process.stdout.isTTY ? "\n" : ""}  fetching it: ${line}`));
    return "fetched, not installed";
  });
}

/**
 * Sets the stage: a server with a closed port 22 and Asterisk, two laptops, users alice and bob, both daemons.
 * @param {import("./lab.mjs").Lab} lab
 * @returns {Promise<import("./demo-tell.mjs").Stage>}
 */
export async function setPhoneStage(lab) {
  const settings = {
    firewall: { guard: "services" },
    services: { ssh: { ports: ["tcp/22"] } },
    phone: { enabled: true, context: "internal" },
  };
  const instance = await makeInstance(lab.server, settings);
  const [alice, bob] = [await lab.host("alice"), await lab.host("bob")];
  const pins = { alice: "", bob: "" };
  let script = "";
  await step("a server, two laptops, users alice and bob with a PIN each", async () => {
    await lab.server.agent.listen({ port: 22, greeting: "SSH-2.0-OpenSSH_demo\r\n" });
    pins.alice = await addCaller(instance, "alice", ["--ttl", `${TTL}s`]);
    pins.bob = await addCaller(instance, "bob", ["--approval", "phone"]);
    script = await instance.client("bob");
  });
  const asterisk = await startPbx(lab.server);
  const phoneAuth = await startDaemons(instance);
  const callers = { alice: { host: alice, pin: pins.alice }, bob: { host: bob, pin: pins.bob } };
  return {
    play: () => play({ instance, asterisk, ...callers, script }),
    close: async () => {
      await phoneAuth.kill("SIGKILL");
      await asterisk.remove();
      await instance.remove();
    },
    log: () => instance.log() + phoneAuth.output(),
  };
}

/** @param {Instance} instance @param {string} name @param {string[]} options @returns {Promise<string>} the PIN */
async function addCaller(instance, name, options) {
  const added = /** @type {{ pin?: string }} */ (await instance.addUser(name, ["--pin", ...options]));
  return added.pin ?? "";
}

/** @param {Host} server */
async function startPbx(server) {
  /** @type {import("./asterisk.mjs").Asterisk | undefined} */
  let asterisk;
  await step("a real Asterisk", async () => {
    asterisk = await startAsterisk(server);
    return (await asterisk.ari("GET", "asterisk/info")).body.system.version;
  });
  return /** @type {import("./asterisk.mjs").Asterisk} */ (asterisk);
}

/** @param {Instance} instance @returns {Promise<import("./lab-children.mjs").Running>} phone-auth, its link up */
async function startDaemons(instance) {
  writeFileSync(join(instance.folder, "ari.secret"), `${ARI_PASSWORD}\n`, { mode: 0o600 });
  await step("knockd", () => instance.start());
  const command = [join(root, "bin/phone-auth"), "--config", instance.config];
  const phoneAuth = instance.host.start(process.execPath, command);
  await step("phone-auth", async () => {
    const linked = async () => (await instance.json(["status"])).phone.state === "up";
    await until(linked, { what: "phone-auth is connected", deadline: 15_000, every: 100 });
    return "connected";
  });
  return phoneAuth;
}

/** @param {Scene} scene */
async function play(scene) {
  await actAddress(scene);
  await actCode(scene);
  await actGuess(scene);
}

/** @param {Scene} scene */
async function actAddress({ instance, asterisk, alice }) {
  const { host, pin } = alice;
  chapter(
    `1. Alice's laptop, ${host.address}, stands before a closed port. She calls. Keys cut the PBX short.`,
  );
  await checkSilent("port 22 does not answer: as if nothing were there", instance, host);
  const call = await TranscribedCall.dial(asterisk, "Alice");
  await call.hears("confbridge-pin");
  await call.keys(`${pin}#`);
  await call.hears("letters/i");
  await call.keys(`${host.address.replaceAll(".", "*")}#`);
  await call.hears("if-correct-press");
  await call.keys("1");
  await call.hears("activated");
  call.pause();
  await check("the door is open for her address", () => opensFor(instance, host));
  const expires = await onlyGrantEnds(instance);
  await check("the kernel has it in its set, with the time it closes by itself", async () => {
    quote(cyan(await elements(instance, host.address)));
  });
  // watched from here on: on a slow machine her call may last longer than the door stays open
  const closing = closesOnTime(instance, host, expires);
  closing.catch(() => {});
  await call.isOver();
  await check(`her ${TTL} seconds are over: closed again`, () => closing);
}

/** @param {Scene} scene */
async function actCode({ instance, asterisk, bob, script }) {
  chapter("2. Bob knocks. His knocks want a call too: his laptop shows a code, and waits.");
  const knocking = bob.host.start("bash", [script]);
  let code = "";
  await check("the laptop says what to do", async () => {
    const shown = () => /key (\d{6})/.exec(knocking.output())?.[1];
    code = await until(shown, { what: "the laptop shows a code", deadline: 10_000 });
    quote(cyan(knocking.output()));
  });
  await checkSilent("the knock alone opens nothing", instance, bob.host);
  const call = await TranscribedCall.dial(asterisk, "Bob");
  await call.hears("confbridge-pin");
  await call.keys(`${bob.pin}#`);
  await call.hears("code-or");
  await call.keys(`${code}#`);
  await call.isOver();
  await check("the laptop, which waited, is in", async () => {
    const { code: exit, stdout, stderr } = await knocking.ended;
    expectSame(`${exit} ${stderr}`, "0 ");
    quote(cyan(stdout.split("\n").slice(1).join("\n")));
    return opensFor(instance, bob.host);
  });
}

/** @param {Scene} scene */
async function actGuess({ instance, asterisk, alice, bob }) {
  chapter("3. Mallory has the number, and guesses.");
  const guesses = ["73019462", "40281957", "95162038"].filter((pin) => pin !== alice.pin && pin !== bob.pin);
  const call = await TranscribedCall.dial(asterisk, "Mallory");
  await call.hears("confbridge-pin");
  for (const [tries, guess] of guesses.entries()) {
    await call.keys(`${guess}#`);
    await call.hears(tries + 1 < guesses.length ? "privacy-incorrect" : "confbridge-pin-bad");
  }
  await call.hangsUp();
  await check("only Bob's door is open", async () => {
    const { grants } = await instance.json(["list"]);
    expectSame(grants.map((/** @type {{ user: string }} */ { user }) => user).join(), "bob");
  });
}

/** @param {Instance} instance @param {Host} laptop */
async function opensFor(instance, laptop) {
  const open = async () => (await instance.tryConnect(laptop, 22)) === "open";
  await until(open, { what: "port 22 is open", deadline: 10_000 });
}

/**
 * What the kernel lets in to ssh.
 * @param {Instance} instance
 * @param {string} address that must be among it
 * @returns {Promise<string>}
 */
async function elements(instance, address) {
  const { stdout } = await instance.host.run("nft", ["list", "set", "inet", "knockline", "ssh4"]);
  const [found] = /elements = \{[^}]*\}/.exec(stdout) ?? [];
  if (!found?.includes(address)) throw new Error(`${address} is not in the set ssh4:\n${stdout}`);
  return `nft list set inet knockline ssh4: ${found.replace(/\s+/g, " ")}`;
}
