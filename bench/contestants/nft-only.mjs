// @ts-check
// Three nft rules and nothing else: the limit of what is possible on this kernel. No users, no proof, no record.
import { CLOSED_UDP, DOOR, openStage } from "../stage.mjs";
import { orStop } from "./contestant.mjs";

const PORTS = [7_000, 8_000, 9_000];

/** @param {number} lifetime seconds */
const rules = (lifetime) => `table ip knock {
  set first { type ipv4_addr ; flags dynamic,timeout ; size 2097152 ; timeout 5s ; }
  set second { type ipv4_addr ; flags dynamic,timeout ; size 65536 ; timeout 5s ; }
  set open { type ipv4_addr ; flags dynamic,timeout ; size 65536 ; timeout ${lifetime}s ; }
  chain guard {
    type filter hook input priority -10 ; policy accept ;
    udp dport ${PORTS[0]} update @first { ip saddr } drop
    udp dport ${PORTS[1]} ip saddr @first update @second { ip saddr } drop
    udp dport ${PORTS[2]} ip saddr @second update @open { ip saddr } drop
    tcp dport ${DOOR} ip saddr != @open drop
    udp dport ${CLOSED_UDP} ip saddr != @open drop
  }
}
`;

/** @type {import("./contestant.mjs").Contestant} */
export const nftOnly = {
  name: "nft rules only",
  about: "five nft rules with dynamic sets, no program at all: the limit of what is possible",
  tools: { nft: "nftables" },
  async start({ lifetime = 3_600 } = {}) {
    const stage = await openStage();
    return orStop(
      () => stage.close(),
      async () => {
        await stage.must("nft", ["-f", "-"], rules(lifetime));
        const add = (/** @type {string[]} */ addresses) =>
          stage.must("nft", ["-f", "-"], `add element ip knock open { ${addresses.join(", ")} }\n`);
        return {
          name: nftOnly.name,
          stage,
          firstPort: PORTS[0] ?? 0,
          daemons: [],
          knock: async () => PORTS.map((port) => ({ port })),
          openDoors: async () => {
            const listed = JSON.parse(await stage.must("nft", ["-j", "list", "set", "ip", "knock", "open"]));
            return listed.nftables.flatMap((/** @type {any} */ entry) => entry.set?.elem ?? []).length;
          },
          letIn: async (addresses) => void (await add(addresses)),
          stop: () => stage.close(),
        };
      },
    );
  },
};
