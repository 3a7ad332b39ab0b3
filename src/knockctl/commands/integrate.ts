import { type Call, isSet, type Run, textOption } from "../command.ts";
import { EXIT, Failure, misused } from "../failure.ts";
import { nftRule } from "../integrate/mark.ts";
import type { Edit, Place } from "../integrate/place.ts";
import { type Survey, survey } from "../integrate/survey.ts";
import { renderEdits, renderPlaces } from "../render/integrate.ts";
import type { HostFirewallPort, World } from "../world.ts";
import { folderOf } from "./values.ts";

/** What is asked for; --dry-run asks for what would be done. */
type Wish = "add" | "check" | "remove";

function wishOf(call: Call): Wish {
  const [check, remove] = [isSet(call, "check"), isSet(call, "remove")];
  if (check && remove) throw misused("both --check and --remove", "give one of them");
  return check ? "check" : remove ? "remove" : "add";
}

const UNWATCHED =
  '[firewall] mode is "guard": make it "mark" and apply it, so that status watches over this rule';

/** @throws Failure (refused) where the rule cannot be, or would mean something else */
function refuse({ conflicts, hopeless }: Survey, mark: number): void {
  if (conflicts.length > 0)
    throw new Failure(
      EXIT.refused,
      `the host's own rules use our bit ${nftRule(mark).split(" ")[3]} of the mark: ${conflicts.join("; ")}`,
      'choose another bit ([firewall] mark = "0x08000000"), then firewall apply, then this again',
    );
  if (hopeless !== undefined)
    throw new Failure(
      EXIT.refused,
      hopeless,
      'leave the services open in firewalld, and let our table close them: [firewall] mode = "guard"',
    );
}

/** Changes are made one after the other; what is running first, so that a wrong file stops nothing that works. */
const editsOf = (places: readonly Place[], wish: "add" | "remove"): Edit[] =>
  places.toSorted((a, b) => Number(a.saved) - Number(b.saved)).flatMap((place) => place[wish]);

/** What is left to a person: in places that we cannot write. */
function leftOver(places: readonly Place[], wish: Wish): string[] {
  const left = wish === "remove" ? "right" : "missing";
  const what = wish === "remove" ? "take this out of the input chain" : "put this first into the input chain";
  return places.flatMap(({ where, state, byHand }) =>
    byHand === undefined || state !== left ? [] : `${where}: ${what} yourself: ${byHand}`,
  );
}

/**
 * @param isWatched status looks after the rule by itself
 * @param edits what was done, or would be; undefined when nothing was asked for but a look
 */
function say(
  call: Call,
  world: World,
  found: Survey,
  wish: Wish,
  isWatched: boolean,
  edits?: readonly Edit[],
): void {
  const { places } = found;
  const unwatched = wish === "remove" || isWatched || places.length === 0 ? [] : [UNWATCHED];
  const notes = [...leftOver(places, wish), ...found.notes, ...unwatched];
  const seen = places.map(({ where, rules, saved, state }) => ({ where, rules, saved, state }));
  if (isSet(call, "json")) {
    world.say(JSON.stringify({ places: seen, changes: edits ?? [], notes }, null, 2));
    return;
  }
  if (edits !== undefined) world.say(renderEdits(edits));
  world.say(renderPlaces(places, world.terminal));
  for (const note of notes) world.tell(`note: ${note}`);
}

/** Carries edits out and looks whether they did what they should. @returns how things are then. @throws Failure (broken) */
async function carryOut(
  host: HostFirewallPort,
  edits: readonly Edit[],
  wish: "add" | "remove",
  mark: number,
) {
  for (const edit of edits) await host.change(edit);
  const after = survey(await host.look(), mark);
  const wanted = wish === "add" ? "right" : "missing";
  const wrong = after.places.filter(({ state, byHand }) => byHand === undefined && state !== wanted);
  if (wrong.length === 0) return after;
  throw new Failure(
    EXIT.broken,
    `not as it should be after the change: ${wrong.map(({ where, state }) => `${where} (${state})`).join(", ")}`,
    "somebody changes these rules at the same time: look, and run this again",
  );
}

/** `knockctl firewall integrate`: keeps the one accept-mark rule in the host's own firewall. */
export const integrate: Run = async (call, world) => {
  const wish = wishOf(call);
  const { mark, mode } = (await world.settings()).policy;
  const root = textOption(call, "root");
  const host = await world.hostFirewall(root === undefined ? "/" : await folderOf("--root", root, world));
  const before = survey(await host.look(), mark);
  if (wish !== "remove") refuse(before, mark);
  const isWatched = mode === "mark";
  if (wish === "check") {
    say(call, world, before, wish, isWatched);
    return before.places.every(({ state }) => state === "right") ? EXIT.done : EXIT.refused;
  }
  const edits = editsOf(before.places, wish);
  const after = isSet(call, "dryRun") ? before : await carryOut(host, edits, wish, mark);
  say(call, world, after, wish, isWatched, edits);
  return EXIT.done;
};

/** @returns a problem in a sentence where the running rules do not let marked packets in; undefined when all is well */
export async function markProblem(world: World, mark: number): Promise<string | undefined> {
  const host = await world.hostFirewall("/");
  const seen = await host.look().catch((error) => {
    if (error instanceof Failure && error.exit === EXIT.permission) return undefined;
    throw error;
  });
  if (seen === undefined) return undefined;
  const { places, hopeless } = survey(seen, mark);
  if (hopeless !== undefined) return `mode = "mark" lets nobody in here: ${hopeless}; use mode = "guard"`;
  const wrong = places.filter(({ saved, state }) => !saved && state !== "right");
  if (wrong.length === 0) return undefined;
  const where = wrong.map((place) => `${place.where} (${place.state})`).join(", ");
  return `the accept-mark rule is not right in the host's own firewall: ${where}; run: ${world.self} firewall integrate`;
}
