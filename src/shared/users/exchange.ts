import type { GateState } from "../access/state.ts";
import type { Transaction } from "../access/transaction.ts";
import type { Duration } from "../duration.ts";
import { Refusal, type UserWishes } from "../gate/verbs.ts";
import type { UserExport } from "../gate/views.ts";
import { addUser, changeUser, type Draw, hasKinds, portProblems } from "./decisions.ts";
import type { Secrets } from "./secrets.ts";
import { profileOf, type User } from "./user.ts";
import { withWishes } from "./wishes.ts";

/** What an import did to one user. */
export type ImportChange = "added" | "changed" | "unchanged";

/** One user of an import, with the secrets that go with him. */
export interface Import {
  readonly wanted: UserExport;
  readonly secrets: Secrets;
}

/** @returns a user as configuration management keeps him. @param withSecrets also ports, and PIN and authenticator as stored */
export function exportUser(user: User, withSecrets: boolean): UserExport {
  return {
    ...profileOf(user),
    steps: user.steps.map(({ proto }) => proto),
    ssh_keys: [...user.sshKeys],
    ...(withSecrets && {
      secrets: { ports: user.steps.map(({ port }) => port), pin: user.pin, otp: user.otp },
    }),
  };
}

/** @returns what is wished of a user, as `user set` would be told it */
export function wishesOfExport({
  name: _,
  has_pin,
  has_otp,
  secrets,
  steps,
  ssh_keys,
  ...rest
}: UserExport): UserWishes {
  return { ...rest, ssh_keys: ssh_keys.length === 0 ? null : ssh_keys.join("\n") };
}

/**
 * Makes a user what is wanted of him. Who is that already is not touched: nothing is written, drawn or told.
 * @throws Refusal
 */
export function importUser(
  state: GateState,
  tx: Transaction,
  { wanted, secrets }: Import,
  draw: Draw,
  memory: Duration,
): ImportChange {
  const { name } = wanted;
  const wishes = wishesOfExport(wanted);
  const before = state.users.get(name);
  if (before === undefined) {
    addUser(state, tx, name, { ...wishes, steps: wanted.steps }, secrets, draw);
    placePorts(state, tx, wanted);
    return "added";
  }
  const sameKinds = hasKinds(before, wanted.steps);
  const after = withWishes(state, before, wishes, secrets);
  const samePorts = wanted.secrets === undefined || portsOf(before) === wanted.secrets.ports.join();
  if (sameKinds && samePorts && JSON.stringify(after) === JSON.stringify(before)) return "unchanged";
  changeUser(state, tx, name, sameKinds ? wishes : { ...wishes, steps: wanted.steps }, secrets, draw, memory);
  placePorts(state, tx, wanted);
  return "changed";
}

const portsOf = ({ steps }: User): string => steps.map(({ port }) => port).join();

/** Gives a user the ports he had elsewhere, where they are free here. @throws Refusal */
function placePorts(state: GateState, tx: Transaction, { name, secrets }: UserExport): void {
  const user = state.users.get(name);
  if (secrets === undefined || user === undefined || portsOf(user) === secrets.ports.join()) return;
  const steps = user.steps.map(({ proto }, i) => ({ proto, port: secrets.ports[i] ?? 0 }));
  const placed = { ...user, steps };
  const others = [...state.users.values()].filter((other) => other.name !== name);
  const taken = new Set(others.flatMap((other) => other.steps).map(({ port }) => port));
  const cure = "import without the secrets: ports are drawn anew, and the user needs a new client";
  if (new Set(secrets.ports).size !== steps.length || steps.some(({ port }) => taken.has(port)))
    throw new Refusal("refused", `the ports of user ${name} belong to another user here`, cure);
  const [covered] = portProblems(state, [placed]);
  if (covered !== undefined) throw new Refusal("refused", covered.split(";")[0] ?? covered, cure);
  tx.setUser(name, placed);
  const decoys = state.decoys.filter((port) => !secrets.ports.includes(port));
  if (decoys.length < state.decoys.length) tx.setDecoys(decoys);
}
