import { allow, allowMany, answerName, disallow, findEntry, viewEntry } from "../../access/allow.ts";
import { type AllowEntry, isInForce } from "../../access/allowlist.ts";
import type { Gate } from "../../access/gate.ts";
import { parseAddress } from "../../address.ts";
import { parseName } from "../../names/name.ts";
import { Refusal } from "../verbs.ts";
import type { AllowView, StatusView } from "../views.ts";
import type { Answers } from "./answerer.ts";
import { notInForce } from "./in-force.ts";

/** Names looked up at once where no knockd does it by and by. */
const AT_ONCE = 16;

type AllowVerb =
  | "allow_add"
  | "allow_list"
  | "allow_remove"
  | "allow_refresh"
  | "allow_import"
  | "allow_lookup";

/** The answers about the allowlist. */
export const allowAnswers: Answers<AllowVerb> = {
  allow_add: async (gate, { wide, ...wish }) => {
    const name = parseName(wish.what);
    const isNew = name !== undefined && gate.state.allowlist.get(name) === undefined;
    // looked up before it is there, so that it is there with its addresses
    const found = isNew ? await gate.parts.resolver.lookUp(name) : undefined;
    const { entry, placed } = await gate.run((state, tx) => {
      const added = allow(state, tx, wish, wide ?? false);
      if (found !== undefined) answerName(state, tx, added.entry.what, found);
      return added;
    });
    const now = gate.state.allowlist.get(entry.what) ?? entry;
    const notes = [...notInForce(gate, now.services), ...notYet(now), ...around(gate, now)];
    return { entry: view(gate, now), placed, notes };
  },

  allow_list: async (gate) => ({
    entries: [...gate.state.allowlist.all()].map((entry) => view(gate, entry)),
  }),

  allow_remove: async (gate, { what, keep_sessions }) => {
    const { memory } = gate.parts;
    const { entry, notes } = await gate.run((state, tx) =>
      disallow(state, tx, what, memory, keep_sessions ?? false),
    );
    return { entry: view(gate, entry), notes };
  },

  allow_refresh: async (gate, { name }) => {
    if (name !== undefined) {
      const { what } = findName(gate, name);
      await lookUp(gate, what);
      const entry = findEntry(gate.state, what);
      return { entries: [view(gate, entry)], notes: notYet(entry) };
    }
    const names = namesOf(gate);
    if (gate.names === undefined) await lookUpAll(gate, names);
    else gate.names.hurry();
    const waits = gate.names === undefined || names.length === 0 ? [] : ["being looked up, a few at a time"];
    return { entries: names.flatMap((what) => viewOf(gate, what)), notes: waits };
  },

  allow_import: async (gate, { entries, wide }) => {
    const counts = await gate.run((state, tx) => allowMany(state, tx, entries, wide ?? false));
    const waiting = namesOf(gate).filter((what) => gate.state.allowlist.get(what)?.addresses.length === 0);
    const when =
      gate.names === undefined ? "once knockd runs, or by: knockctl allow refresh" : "now, a few at a time";
    const notes =
      waiting.length === 0 ? [] : [`names without an address yet: ${waiting.length}; looked up ${when}`];
    return { ...counts, notes };
  },

  allow_lookup: async (gate, { address }) => {
    const parsed = parseAddress(address);
    if (parsed === undefined)
      throw new Refusal("usage", `"${address}" is no address`, "give one IPv4 or IPv6 address");
    const { uptime } = gate.parts.clock();
    const entries = gate.state.allowlist.covering(parsed).filter((entry) => isInForce(entry, uptime));
    return {
      address: parsed,
      entries: entries.map((entry) => view(gate, entry)),
      reverse: await gate.parts.resolver.reverse(parsed),
    };
  },
};

/** @returns the allowlist in figures */
export function summary(gate: Gate): StatusView["allowlist"] {
  const names = namesOf(gate).flatMap((what) => viewOf(gate, what));
  const ages = names.flatMap(({ age }) => age ?? []);
  return {
    entries: gate.state.allowlist.size,
    names: names.length,
    failing: names.filter(({ failing }) => failing !== null).length,
    oldest: ages.length === 0 ? null : ages.reduce((a, b) => Math.max(a, b)),
  };
}

function namesOf({ state }: Gate): string[] {
  return [...state.allowlist.all()].filter(({ lookup }) => lookup !== null).map(({ what }) => what);
}

function findName(gate: Gate, name: string): AllowEntry {
  const entry = findEntry(gate.state, name);
  if (entry.lookup !== null) return entry;
  throw new Refusal(
    "usage",
    `${entry.what} is no name: there is nothing to look up`,
    "name one of: knockctl allow list",
  );
}

async function lookUp(gate: Gate, name: string): Promise<void> {
  const answer = await gate.parts.resolver.lookUp(name);
  await gate.run((state, tx) => answerName(state, tx, name, answer));
}

async function lookUpAll(gate: Gate, names: readonly string[]): Promise<void> {
  const waiting = names.values();
  const work = async (): Promise<void> => {
    for (const name of waiting) await lookUp(gate, name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function view(gate: Gate, entry: AllowEntry): AllowView {
  return viewEntry(entry, gate.parts.clock());
}

function viewOf(gate: Gate, what: string): AllowView[] {
  const entry = gate.state.allowlist.get(what);
  return entry === undefined ? [] : [view(gate, entry)];
}

/** Says that a name lets nobody in yet, or only whom it stood for before. */
function notYet({ what, lookup, addresses }: AllowEntry): string[] {
  if (lookup?.failing == null) return [];
  const { why } = lookup.failing;
  return addresses.length === 0
    ? [
        `${what} has no address (${why}): it lets nobody in until it has; tried again by itself while knockd runs`,
      ]
    : [`${what} could not be confirmed (${why}): its last good addresses stay`];
}

/** Says what lets the same addresses in already. */
function around({ state }: Gate, entry: AllowEntry): string[] {
  const wider = new Set(entry.addresses.flatMap((network) => state.allowlist.covering(network)));
  wider.delete(entry);
  return [...wider].map(({ what, services }) => {
    const which = services.length === 0 ? "all services" : services.join(",");
    return `${what} lets in the same, for ${which}`;
  });
}
