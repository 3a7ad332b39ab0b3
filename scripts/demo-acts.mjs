// @ts-check
// What the demo shows, step by step; each must come out as told.
import { makeInstance } from "./lab-instance.mjs";
import { styled } from "./screen.mjs";
import { StepFailed } from "./steps.mjs";
import { until } from "./until.mjs";

/** How long a door stays open in the show, in seconds. */
const TTL = 8;
/** The kernel's timers and our looking every 50 ms: more than this late is a failure. Seconds. */
const LATE = 1;

const { bold, dim, green, red, cyan, colour } = styled(process.stdout);

/** @typedef {import("./lab-host.mjs").Host} Host */
/** @typedef {import("./lab-instance.mjs").Instance} Instance */

/** @param {string} text */
const chapter = (text) => console.log(`\n${bold(text)}`);
/** @param {string} text */
const quote = (text) => console.log(text.trimEnd().replace(/^/gm, "    "));
/** @param {number} ms */
export const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/**
 * One thing that must be as told: prints it with a tick and its time, or ends the show.
 * @param {string} told
 * @param {() => Promise<string | void>} look throws when it is not so; gives a word on how it was
 */
async function check(told, look) {
  const start = performance.now();
  try {
    const word = await look();
    console.log(`  ${green("✓")} ${told}${dim(`  ${word ?? duration(performance.now() - start)}`)}`);
  } catch (error) {
    console.log(`  ${red("✗")} ${told}`);
    throw new StepFailed(`not as told: ${told}\n${error instanceof Error ? error.message : error}`);
  }
}

/** @param {unknown} actual @param {unknown} expected */
function expectSame(actual, expected) {
  if (actual !== expected) throw new Error(`expected ${expected}, found ${actual}`);
}

/** @typedef {{ instance: Instance, alice: Host, mallory: Host, script: string }} Stage `script`: alice's knock client */

/**
 * Sets the stage: a server whose port 22 is closed to strangers, two laptops, and user alice.
 * @param {import("./lab.mjs").Lab} lab
 * @returns {Promise<Stage>}
 */
export async function setStage(lab) {
  const [alice, mallory] = [await lab.host("alice"), await lab.host("mallory")];
  await lab.server.agent.listen({ port: 22, greeting: "SSH-2.0-OpenSSH_demo\r\n" });
  const settings = { firewall: { guard: "services" }, services: { ssh: { ports: ["tcp/22"] } } };
  const instance = await makeInstance(lab.server, settings);
  await instance.addUser("alice", ["--ttl", `${TTL}s`]);
  return { instance, alice, mallory, script: await instance.client("alice") };
}

/**
 * Plays all acts.
 * @param {Stage} stage with knockd running
 */
export async function play(stage) {
  await actClosed(stage);
  const expires = await actKnock(stage);
  // watched from here on: on a slow machine the sweep may take longer than the door stays open
  const closing = closesOnTime(stage, expires);
  closing.catch(() => {});
  await actStranger(stage);
  await actSweep(stage);
  chapter(`5. Her ${TTL} seconds are over.`);
  await check("the door is closed again", () => closing);
  await actKill(stage);
}

/**
 * Runs alice's generated script on her laptop.
 * @param {Stage} stage
 */
async function knock({ alice, script }) {
  const ran = await alice.run("bash", [script], { timeout: 10_000 });
  if (ran.code !== 0) throw new Error(`the script ended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
  quote(cyan(ran.stdout));
}

/** `knockctl list` as on a terminal: script(1) gives it one. @param {Instance} instance */
async function showList(instance) {
  const line = [process.execPath, ...instance.commandLine(["list"])].map((word) => `'${word}'`).join(" ");
  const env = colour ? { TERM: "xterm-256color" } : { NO_COLOR: "1" };
  const ran = await instance.host.run("script", ["-qec", `stty cols 100; ${line}`, "/dev/null"], { env });
  expectSame(ran.code, 0);
  quote(ran.stdout.replaceAll("\r", ""));
}

/**
 * Waits until the door is shut, and says how far from its time that was.
 * @param {Stage} stage
 * @param {number} expires ms since 1970
 */
async function closesOnTime({ instance, alice }, expires) {
  const shut = async () => (await instance.tryConnect(alice, 22, { timeout: 100 })) === "silent";
  await until(shut, { what: "port 22 is closed", deadline: (TTL + LATE + 2) * 1000, every: 50 });
  const off = (Date.now() - expires) / 1000;
  if (off < -LATE || off > LATE) throw new Error(`it closed ${off.toFixed(2)} s off its time`);
  return `at its time, to within ${Math.max(0.1, Math.abs(off)).toFixed(1)} s`;
}

/** @param {Instance} instance @returns {Promise<number>} when the only grant ends, ms since 1970 */
async function onlyGrantEnds(instance) {
  const { grants } = await instance.json(["list"]);
  expectSame(grants.length, 1);
  return Date.parse(grants[0].expires);
}

/** @param {Stage} stage */
async function actClosed({ instance, alice }) {
  chapter("1. Alice's laptop stands before a closed port.");
  await check("port 22 does not answer: as if nothing were there", async () => {
    expectSame(await instance.tryConnect(alice, 22), "silent");
    return "no answer in 400 ms";
  });
}

/** @param {Stage} stage @returns {Promise<number>} when the door closes, ms since 1970 */
async function actKnock(stage) {
  const { instance, alice } = stage;
  chapter("2. She knocks with the script that `knockctl user client alice` made for her.");
  await check("three datagrams, 20 ms apart, and the door is open", () => knock(stage));
  const expires = await onlyGrantEnds(instance);
  await check("the service greets her", async () => {
    const { greeting, ms } = await alice.agent.connect({ address: instance.host.address, port: 22 });
    expectSame(greeting.trim(), "SSH-2.0-OpenSSH_demo");
    return `${greeting.trim()} in ${ms.toFixed(1)} ms`;
  });
  await showList(instance);
  return expires;
}

/** @param {Stage} stage */
async function actStranger({ instance, mallory }) {
  chapter("3. Only for her address.");
  await check("Mallory's laptop still finds port 22 closed", async () => {
    expectSame(await instance.tryConnect(mallory, 22), "silent");
    return "no answer in 400 ms";
  });
}

/** @param {Stage} stage */
async function actSweep({ instance, mallory }) {
  chapter("4. Mallory has no secret, so he tries every port there is.");
  await check("65,535 datagrams, one to each UDP port, open nothing", async () => {
    const start = performance.now();
    const ports = Array.from({ length: 65_535 }, (_, index) => index + 1);
    await mallory.agent.send({ address: instance.host.address, ports, gap: 0 });
    const took = performance.now() - start;
    expectSame(await instance.tryConnect(mallory, 22), "silent");
    const { grants } = await instance.json(["list"]);
    expectSame(
      grants.filter((/** @type {{ address: string }} */ one) => one.address === mallory.address).length,
      0,
    );
    return `sent in ${duration(took)}`;
  });
}

/** @param {Stage} stage */
async function actKill(stage) {
  const { instance, alice } = stage;
  chapter("6. She knocks again, and our daemon is killed with -9 while the door stands open.");
  await check("open", () => knock(stage));
  const expires = await onlyGrantEnds(instance);
  await instance.kill9();
  await check("knockd is dead; her door is still open", async () => {
    expectSame(await instance.tryConnect(alice, 22), "open");
    const { knockd } = await instance.json(["status"]);
    expectSame(knockd.state, "stopped");
  });
  await check("and the kernel closes it all the same", () => closesOnTime(stage, expires));
}
