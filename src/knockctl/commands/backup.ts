import { type AdminVerbs, Refusal } from "../../shared/gate/verbs.ts";
import type { BackupContent } from "../backup/decode/content.ts";
import { lock, unlock } from "../backup/envelope.ts";
import { type Call, isSet, type Run, textOption } from "../command.ts";
import { EXIT, misused } from "../failure.ts";
import { describeContent, NOT_HELD } from "../render/backup.ts";
import { grantLine } from "../render/grants.ts";
import type { BackupFiles, World } from "../world.ts";
import { answer } from "./answer.ts";

/** Shorter ones are guessed, whatever a guess costs. Characters. */
const SHORTEST = 12;

/** The passphrase: from a private file, the terminal, or standard input; never from the command line. */
async function passphraseOf(call: Call, world: World, twice: boolean): Promise<string> {
  const file = textOption(call, "passphraseFile");
  if (file === undefined) return world.readSecret("passphrase", twice);
  const [line = ""] = (await world.readText(file)).split("\n");
  if (file !== "-") await world.checkPrivate(file);
  const whose = file === "-" ? "standard input" : file;
  if (line.trim() === "") throw misused(`${whose} holds no passphrase`, "put it into its first line");
  return line.trim();
}

/** `knockctl backup`: all that this instance knows, locked by a passphrase, in one file. */
export const backup: Run = async (call, world) => {
  const path = call.args[0] ?? "";
  const files = await world.backupFiles();
  if (!isSet(call, "force")) await files.refuseTaken(path); // before anybody is asked for anything
  const passphrase = await passphraseOf(call, world, true);
  if (passphrase.length < SHORTEST)
    throw misused(`a passphrase of less than ${SHORTEST} characters is guessed`, "choose a longer one");
  const { records, vault, made, server } = await (await world.asker()).ask("backup", {});
  const content: BackupContent = {
    server,
    made,
    vault,
    secret: (await files.secret(vault)).toString("base64"),
    settings: await files.settings(),
    records: records.map(([key, value]) => [key, value]),
  };
  const locked = lock(Buffer.from(JSON.stringify(content)), passphrase, files.salt());
  await files.write(path, locked, isSet(call, "force"));
  const about = describeContent(content);
  const text = () => [`written: ${path} (${locked.length} bytes)`, ...about.lines, ...NOT_HELD].join("\n");
  return answer(call, world, { object: { file: path, bytes: locked.length, ...about.json }, text });
};

/** `knockctl restore`: puts a backup in the place of what is here; with --check or --settings only looks into it. */
export const restore: Run = async (call, world) => {
  const files = await world.backupFiles();
  const locked = await files.read(call.args[0] ?? "");
  const plain = unlock(locked, await passphraseOf(call, world, false));
  // loaded late: it brings zod
  const content = (await import("../backup/decode/content.ts")).decodeContent(plain);
  const about = describeContent(content);
  if (isSet(call, "settings")) {
    world.say((content.settings ?? "# the backup holds no settings").trimEnd());
    return EXIT.done;
  }
  if (isSet(call, "check"))
    return answer(call, world, {
      object: about.json,
      text: () => ["whole, and this is its passphrase; nothing was changed", ...about.lines].join("\n"),
    });
  const restored = await putBack(call, world, files, content);
  const closed = restored.closed.map((grant) => `closed: ${grantLine(grant)}`);
  const text = () =>
    [
      `restored: ${restored.users.length} users, ${restored.events} events, as of ${content.made}`,
      ...closed,
      ...allowedAgain(restored.allowed_again),
      "not restored: what was open or waited for an approval, and the firewall's policy (knockctl firewall plan)",
      "what was captured before now opens nothing: codes open again in 1 minute, signed knocks in 5",
    ].join("\n");
  const notes = [...restored.notes, ...(await otherName(world, content))];
  return answer(call, world, { object: { ...about.json, ...restored, notes }, text, notes });
};

/** Whom the allowlist lets in again, by name: an admin may have taken an entry off on purpose. */
function allowedAgain({ count, first }: AdminVerbs["restore"]["result"]["allowed_again"]): string[] {
  if (count === 0) return [];
  const more = count > first.length ? ` and ${count - first.length} more` : "";
  return [
    `on the allowlist again: ${first.join(", ")}${more} (to take one off: knockctl allow remove ENTRY)`,
  ];
}

/** The name of the server is in every client, and signed with every knock. */
async function otherName(world: World, { server }: BackupContent): Promise<string[]> {
  const { name } = (await world.settings()).server;
  if (name === server) return [];
  return [
    `this server is called ${name}, the backup's ${server}: clients made for that one need [server] name = "${server}"`,
  ];
}

/** The store and then the secret: killed in between, the next gate finds by the store which secret is the right one. */
async function putBack(call: Call, world: World, files: BackupFiles, content: BackupContent) {
  const { records, made, vault, secret } = content;
  const asker = await world.asker();
  const staged = await files.stageSecret(Buffer.from(secret, "base64"));
  const force = isSet(call, "force");
  try {
    const restored = await asker.ask("restore", { records, made, vault, ...(force && { force }) });
    await files.settleSecret(vault);
    return restored;
  } catch (error) {
    const isNo = error instanceof Refusal && error.code !== "broken"; // else the store may have taken it
    if (staged && isNo) await files.dropStagedSecret();
    throw error;
  }
}
