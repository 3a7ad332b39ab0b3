// @ts-check
// What the demo shows, step by step; each must come out as told.
import {
  chapter,
  check,
  checkSilent,
  closesOnTime,
  duration,
  expectSame,
  onlyGrantEnds,
  quote,
  showList,
} from "./demo-tell.mjs";
import { makeInstance } from "./lab-instance.mjs";
import { styled } from "./screen.mjs";
import { step } from "./steps.mjs";

/** How long a door stays open in the show, in seconds. */
const TTL = 8;

const { cyan } = styled(process.stdout);

/** @typedef {import("./lab-host.mjs").Host} Host */
/** @typedef {import("./lab-instance.mjs").Instance} Instance */
/** @typedef {{ instance: Instance, alice: Host, mallory: Host, script: string }} Scene `script`: alice's knock client */

/**
 * Sets the stage: a server whose port 22 is closed to strangers, two laptops, user alice, and knockd.
 * @param {import("./lab.mjs").Lab} lab
 * @returns {Promise<import("./demo-tell.mjs").Stage>}
 */
export async function setKnockStage(lab) {
  const settings = { firewall: { guard: "services" }, services: { ssh: { ports: ["tcp/22"] } } };
  const instance = await makeInstance(lab.server, settings);
  const [alice, mallory] = [await lab.host("alice"), await lab.host("mallory")];
  let script = "";
  await step("a server, two laptops, and user alice with three secret ports", async () => {
    await lab.server.agent.listen({ port: 22, greeting: "SSH-2.0-OpenSSH_demo\r\n" });
    await instance.addUser("alice", ["--ttl", `${TTL}s`]);
    script = await instance.client("alice");
  });
  await step("knockd", () => instance.start());
  return {
    play: () => play({ instance, alice, mallory, script }),
    close: () => instance.remove(),
    log: () => instance.log(),
  };
}

/**
 * Plays all acts.
 * @param {Scene} scene with knockd running
 */
async function play(scene) {
  await actClosed(scene);
  const expires = await actKnock(scene);
  // watched from here on: on a slow machine the sweep may take longer than the door stays open
  const closing = closesOnTime(scene.instance, scene.alice, expires);
  closing.catch(() => {});
  await actStranger(scene);
  await actSweep(scene);
  chapter(`5. Her ${TTL} seconds are over.`);
  await check("the door is closed again", () => closing);
  await actKill(scene);
}

/**
 * Runs alice's generated script on her laptop.
 * @param {Scene} scene
 */
async function knock({ alice, script }) {
  const ran = await alice.run("bash", [script], { timeout: 10_000 });
  if (ran.code !== 0) throw new Error(`the script ended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
  quote(cyan(ran.stdout));
}

/** @param {Scene} scene */
async function actClosed({ instance, alice }) {
  chapter("1. Alice's laptop stands before a closed port.");
  await checkSilent("port 22 does not answer: as if nothing were there", instance, alice);
}

/** @param {Scene} scene @returns {Promise<number>} when the door closes, ms since 1970 */
async function actKnock(scene) {
  const { instance, alice } = scene;
  chapter("2. She knocks with the script that `knockctl user client alice` made for her.");
  await check("three datagrams, 20 ms apart, and the door is open", () => knock(scene));
  const expires = await onlyGrantEnds(instance);
  await check("the service greets her", async () => {
    const { greeting, ms } = await alice.agent.connect({ address: instance.host.address, port: 22 });
    expectSame(greeting.trim(), "SSH-2.0-OpenSSH_demo");
    return `${greeting.trim()} in ${ms.toFixed(1)} ms`;
  });
  await showList(instance);
  return expires;
}

/** @param {Scene} scene */
async function actStranger({ instance, mallory }) {
  chapter("3. Only for her address.");
  await checkSilent("Mallory's laptop still finds port 22 closed", instance, mallory);
}

/** @param {Scene} scene */
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

/** @param {Scene} scene */
async function actKill(scene) {
  const { instance, alice } = scene;
  chapter("6. She knocks again, and our daemon is killed with -9 while the door stands open.");
  await check("open", () => knock(scene));
  const expires = await onlyGrantEnds(instance);
  await instance.kill9();
  await check("knockd is dead; her door is still open", async () => {
    expectSame(await instance.tryConnect(alice, 22), "open");
    const { knockd } = await instance.json(["status"]);
    expectSame(knockd.state, "stopped");
  });
  await check("and the kernel closes it all the same", () =>
    closesOnTime(scene.instance, scene.alice, expires),
  );
}
