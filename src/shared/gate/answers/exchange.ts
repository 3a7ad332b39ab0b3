import type { Gate } from "../../access/gate.ts";
import { findUser } from "../../users/decisions.ts";
import { exportUser, type Import, importUser, wishesOfExport } from "../../users/exchange.ts";
import { type AdminVerbs, Refusal } from "../verbs.ts";
import type { ShownOnce, UserExport } from "../views.ts";
import { newSecrets } from "./secret-wishes.ts";

/** Answers `user_export`. @throws Refusal */
export function exportUsers(
  { state, parts }: Gate,
  { name, secrets = false }: AdminVerbs["user_export"]["args"],
): AdminVerbs["user_export"]["result"] {
  const users = name === undefined ? [...state.users.values()] : [findUser(state, name)];
  return {
    ...(secrets && { vault: parts.vault.id }),
    users: users.map((user) => exportUser(user, secrets)),
  };
}

/** Answers `user_import`: all users, or none. @throws Refusal */
export async function importUsers(
  gate: Gate,
  { vault, users }: AdminVerbs["user_import"]["args"],
): Promise<AdminVerbs["user_import"]["result"]> {
  if (users.some(({ secrets }) => secrets !== undefined) && vault !== gate.parts.vault.id)
    throw new Refusal(
      "refused",
      "the PINs and authenticators in it were stored under another instance's secret",
      "export without --with-secrets, or lead the whole instance over: knockctl backup, knockctl restore",
    );
  const draw = await gate.parts.draw();
  const prepared: (Import & { once: ShownOnce })[] = [];
  for (const wanted of users) prepared.push({ wanted, ...(await secretsOf(gate, wanted)) });
  const { memory } = gate.parts;
  const changes = await gate.run((state, tx) =>
    prepared.map((one) => importUser(state, tx, one, draw, memory)),
  );
  await gate.followed();
  return {
    users: prepared.map(({ wanted: { name }, once }, i) => ({
      name,
      change: changes[i] ?? "unchanged",
      once,
    })),
  };
}

/** The stored ones that came along; else what is missing is drawn, and what is there and not wanted goes. */
async function secretsOf(gate: Gate, wanted: UserExport) {
  if (wanted.secrets !== undefined) {
    const { pin, otp } = wanted.secrets;
    return { secrets: { pin, otp }, once: {} };
  }
  const user = gate.state.users.get(wanted.name);
  const wish = (wants: boolean, has: string | null | undefined): true | null | undefined =>
    wants === Boolean(has) ? undefined : wants ? true : null;
  return newSecrets(gate, wanted.name, {
    ...wishesOfExport(wanted),
    pin: wish(wanted.has_pin, user?.pin),
    otp: wish(wanted.has_otp, user?.otp),
  });
}
