import { randomBytes, randomInt } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { createInterface } from "node:readline/promises";
import { handOver, type Owner } from "../../shared/host/adapters/files.ts";
import { locate } from "../../shared/settings/adapters/load.ts";
import { SYSTEM_CONFIG } from "../../shared/settings/paths.ts";
import { cureForLostSecret } from "../../shared/settings/problem.ts";
import { EXIT, Failure } from "../failure.ts";
import type { Foundation, Made } from "../world.ts";

/** Who owns what of an instance; undefined where nothing is to be changed. */
interface Owners {
  /** Settings and secret: read by the service, written by root. */
  readonly settings: Owner | undefined;
  /** State and sockets. */
  readonly service: Owner | undefined;
  /** Asterisk's password: read by phone-auth alone. */
  readonly phone: Owner | undefined;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** An account that the package made: `knockline` for knockd, `knockline-phone` for phone-auth. */
async function serviceAccount(name: "knockline" | "knockline-phone"): Promise<Owner | undefined> {
  const passwd = await readFile("/etc/passwd", "utf8").catch(() => "");
  const line = passwd.split("\n").find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** The installed instance belongs to its service; what root makes in anybody's folder becomes that folder's owner's. */
async function ownersOf(config: string): Promise<Owners> {
  if (process.geteuid?.() !== 0) return { settings: undefined, service: undefined, phone: undefined };
  const account = config === SYSTEM_CONFIG ? await serviceAccount("knockline") : undefined;
  if (account !== undefined) {
    const phone = await serviceAccount("knockline-phone");
    return {
      settings: { uid: 0, gid: account.gid },
      service: account,
      phone: phone && { uid: 0, gid: phone.gid },
    };
  }
  const folder = await stat(dirname(config)).catch(() => undefined);
  return { settings: folder, service: folder, phone: folder };
}

/** One thing that an instance needs: where, what it is, and how it is made. */
interface Piece {
  readonly path: string;
  readonly what: string;
  readonly mode: number;
  readonly owner: Owner | undefined;
  readonly make: (path: string) => Promise<unknown>;
}

const folder = (path: string): Promise<unknown> => mkdir(path, { recursive: true });

/** Written only where nothing is: a file that appeared meanwhile is an error, never overwritten. */
const file = (content: string | Buffer) => (path: string) =>
  writeFile(path, content, { flag: "wx", mode: 0o600, flush: true });

async function place({ path, what, mode, owner, make }: Piece): Promise<Made> {
  if (await exists(path)) return { path, what, made: false };
  await make(path);
  await handOver(path, owner, mode);
  return { path, what, made: true };
}

async function lay(config: string, toml: string): Promise<Made[]> {
  const owners = await ownersOf(config);
  const home = dirname(config);
  const first = [
    {
      path: home,
      what: "folder of the settings",
      mode: config === SYSTEM_CONFIG ? 0o750 : 0o700,
      owner: owners.settings,
      make: folder,
    },
    { path: config, what: "settings", mode: 0o640, owner: owners.settings, make: file(toml) },
  ];
  const made: Made[] = [];
  for (const piece of first) made.push(await place(piece));
  // only now is it known where the settings want the rest
  const { secret, ariSecret, state, run, db } = await locate(config);
  if (!(await exists(secret)) && (await exists(db)))
    throw new Failure(
      EXIT.refused,
      `the secret file ${secret} is missing, and the users in ${db} were made under it`,
      cureForLostSecret(db),
    );
  const rest = [
    { path: secret, what: "secret key", mode: 0o640, owner: owners.settings, make: file(randomBytes(32)) },
    {
      path: ariSecret,
      what: "password for Asterisk",
      mode: 0o640,
      owner: owners.phone,
      make: file(`${randomBytes(24).toString("base64url")}\n`),
    },
    { path: state, what: "state", mode: 0o700, owner: owners.service, make: folder },
    { path: run, what: "sockets", mode: 0o750, owner: owners.service, make: folder },
  ];
  for (const piece of rest) {
    if (!made.some(({ path }) => path === piece.path)) made.push(await place(piece));
  }
  return made;
}

/** A wrong permission is the caller's to cure; anything else is told as it is. */
function explained(error: NodeJS.ErrnoException): unknown {
  if (error instanceof Failure) return error;
  if (error.code === "EACCES" || error.code === "EPERM") {
    const cure =
      "run it as root (sudo), or name a folder of yours: knockctl init --config ./knockline/knockline.toml";
    return new Failure(EXIT.permission, `${error.path} may not be made by this user`, cure);
  }
  if (error.path === undefined) return error;
  return new Failure(
    EXIT.broken,
    error.message,
    `make room for ${error.path}, then run init again: it goes on where it stopped`,
  );
}

async function ask(question: string, fallback: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return fallback;
  // on standard error: standard output may be a file or jq
  const dialogue = createInterface({ input: process.stdin, output: process.stderr });
  const left = new AbortController();
  dialogue.once("close", () => left.abort());
  try {
    const answer = await dialogue.question(`${question} [${fallback}]: `, { signal: left.signal });
    return answer.trim() === "" ? fallback : answer.trim();
  } catch {
    throw new Failure(EXIT.refused, "init was interrupted: nothing was made", "run it again");
  } finally {
    dialogue.close();
  }
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** What `init` works with, for the instance of one settings file. */
export function foundationOf(config: string): Foundation {
  return {
    hostName: hostname(),
    ask,
    letters: (n) => Array.from({ length: n }, () => ALPHABET[randomInt(ALPHABET.length)]).join(""),
    settled: () => exists(config),
    lay: (toml) =>
      lay(config, toml).catch((error: NodeJS.ErrnoException) => {
        throw explained(error);
      }),
  };
}
