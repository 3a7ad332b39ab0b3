// @ts-check
// The firewall of the peers: iptables as Debian ships it, one rule an address.
import { CLOSED_UDP, DOOR } from "../stage.mjs";

/** @typedef {import("../stage.mjs").Stage} Stage */

export const IPTABLES = { iptables: "iptables" };

/** Closes what everybody closes. @param {Stage} stage */
export async function closeDoor(stage) {
  await stage.must("iptables", ["-A", "INPUT", "-p", "tcp", "--dport", `${DOOR}`, "-j", "DROP"]);
  await stage.must("iptables", ["-A", "INPUT", "-p", "udp", "--dport", `${CLOSED_UDP}`, "-j", "DROP"]);
}

/** @param {string} address */
const accept = (address) => ["-s", address, "-p", "tcp", "--dport", `${DOOR}`, "-j", "ACCEPT"];

/** @param {Stage} stage @param {string} address @param {string} chain */
export async function addRule(stage, address, chain = "INPUT") {
  await stage.must("iptables", ["-I", chain, ...accept(address)]);
}

/** Many rules in one go. @param {Stage} stage @param {string[]} addresses */
export async function addRules(stage, addresses) {
  const rules = addresses.map((address) => `-I INPUT ${accept(address).join(" ")}\n`);
  await stage.must("iptables-restore", ["--noflush"], `*filter\n${rules.join("")}COMMIT\n`);
}

/** @param {Stage} stage @param {string} chain @returns {Promise<number>} addresses that its rules let in */
export async function countOpen(stage, chain = "INPUT") {
  const rules = await stage.must("iptables", ["-S", chain]);
  return new Set([...rules.matchAll(/-s (\S+) .*-j ACCEPT/g)].map(([, address]) => address)).size;
}
