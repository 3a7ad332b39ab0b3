// @ts-check
// knockline as it comes: the built programs, each grant synced to the disk before it opens.
import { readFileSync } from "node:fs";
import { copyGrant } from "../../scripts/lab-grants.mjs";
import { makeInstance } from "../../scripts/lab-instance.mjs";
import { openStage } from "../stage.mjs";
import { orStop } from "./contestant.mjs";
import { codeNow, drawKey, signedLine } from "./proofs.mjs";
import { openStore } from "./store.mjs";

const SERVER = "bench-server";

/** @typedef {import("../../scripts/lab-instance.mjs").Instance} Instance */
/** @typedef {import("../../scripts/lab-instance.mjs").User & { otp_uri?: string }} User */
/** @typedef {(from: string) => Promise<import("../stage.mjs").Datagram[]>} Knock */

/**
 * How a knock proves who it is; each prepares its users while no knockd runs, and gives what makes a good knock.
 * @type {Record<string, (instance: Instance, addUser: AddUser, knocks: number) => Promise<{ first: User, knock: Knock }>>}
 */
const PROOFS = {
  none: async (_instance, addUser) => {
    const user = await addUser("bench", { proof: "none" });
    return { first: user, knock: async () => withPayload(user, "") };
  },
  // a code is good once in 30 s: every knock is another user's
  otp: async (_instance, addUser, knocks) => {
    /** @type {User[]} */
    const users = [];
    for (let n = 0; n < knocks; n++) users.push(await addUser(`bench${n}`, { proof: "otp" }));
    let next = 0;
    const knock = async () => {
      const user = users[next++ % users.length];
      return withPayload(/** @type {User} */ (user), codeNow(user?.otp_uri ?? ""));
    };
    return { first: /** @type {User} */ (users[0]), knock };
  },
  ssh: async (instance, addUser) => {
    const key = drawKey(instance.folder);
    const user = await addUser("bench", { proof: "ssh", ssh_keys: readFileSync(`${key}.pub`, "utf8") });
    return { first: user, knock: async () => withPayload(user, await signedLine(key, SERVER, user.name)) };
  },
};

/** @typedef {(name: string, wishes: object) => Promise<User>} AddUser */

/** @param {User} user @param {string} payload in the last step, as a proof is */
const withPayload = ({ steps }, payload) =>
  steps.map(({ port }, n) => ({ port, payload: n === steps.length - 1 ? payload : "" }));

/** How long a start may take: it may have very many grants to fill the kernel with. Milliseconds. */
const PATIENCE = { deadline: 240_000 };

/**
 * Lets many in at once: into the ledger, from which the next knockd fills the kernel.
 * @param {Instance} instance
 * @param {string[]} addresses
 */
async function letIn(instance, addresses) {
  await instance.ask("grant", { address: "203.0.113.1" });
  await instance.stop();
  const store = await openStore(instance.folder);
  await copyGrant(store, addresses).finally(() => store.close());
  await instance.start({}, PATIENCE);
}

/** @param {string} name @param {string} proof @param {string} about @returns {import("./contestant.mjs").Contestant} */
const knocklineWith = (name, proof, about) => ({
  name,
  about,
  tools: { nft: "nftables", ...(proof === "ssh" ? { "ssh-keygen": "openssh-client" } : {}) },
  async start({ users = 1, knocks = 1, lifetime = 3_600 } = {}) {
    const stage = await openStage();
    /** @type {Instance | undefined} */
    let made;
    const stop = async () => {
      await stage.close();
      await made?.remove();
    };
    return orStop(stop, async () => {
      made = await makeInstance(stage.server, {
        server: { name: SERVER },
        access: { max_grants_per_user: 1_000, ttl: `${lifetime}s` },
        firewall: { guard: "services" },
      });
      const instance = made;
      await instance.start({}, PATIENCE);
      const addUser = async (/** @type {string} */ user, /** @type {object} */ wishes) => {
        const added = await instance.ask("user_add", { name: user, ...wishes });
        return { ...added.user, ...added.once };
      };
      const prove = /** @type {(typeof PROOFS)[string]} */ (PROOFS[proof]);
      const { first, knock } = await prove(instance, addUser, knocks);
      for (let n = 1; n < users; n++) await addUser(`user${n}`, { proof: "none" });
      await instance.stop(); // what it took to add them is no part of what it takes to serve them
      await instance.start({}, PATIENCE);
      return {
        name,
        stage,
        firstPort: first.steps[0]?.port ?? 0,
        get daemons() {
          return [instance.pid ?? 0]; // another after a restart
        },
        knock,
        openDoors: async () => {
          const listed = await stage.must("nft", ["-j", "list", "set", "inet", "knockline", "ssh4"]);
          return JSON.parse(listed).nftables.flatMap((/** @type {any} */ entry) => entry.set?.elem ?? [])
            .length;
        },
        letIn: (addresses) => letIn(instance, addresses),
        grant: async (address) => void (await instance.ask("grant", { address })),
        command: (args) => instance.commandLine(args),
        stop,
      };
    });
  },
});

export const knockline = knocklineWith(
  "knockline",
  "none",
  "as it comes, proof `none`, three services a user",
);
export const knocklineOtp = knocklineWith(
  "knockline otp",
  "otp",
  "the same, the last knock carries a one-time code",
);
export const knocklineSsh = knocklineWith(
  "knockline ssh",
  "ssh",
  "the same, the last knock is signed with an SSH key (ed25519)",
);
