import { dirname } from "node:path";
import type { RefusalCode } from "../shared/gate/verbs.ts";

/** Exit codes; what each means is in EXIT_MEANS. */
export const EXIT = { done: 0, refused: 1, usage: 2, notFound: 3, permission: 4, broken: 5 } as const;

/** What the exit codes mean, for the manual. */
export const EXIT_MEANS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "done",
  refused: "refused, or there are findings",
  usage: "the command line asks for something that cannot be",
  notFound: "there is no such user, grant or entry",
  permission: "it needs root, or the owner of the instance",
  broken: "the world is broken: nft is missing, the store is damaged, Asterisk does not answer",
};

const EXIT_OF: Record<RefusalCode, number> = {
  refused: EXIT.refused,
  usage: EXIT.usage,
  not_found: EXIT.notFound,
  no_permission: EXIT.permission,
  broken: EXIT.broken,
};

/** A no of knockctl itself. */
export class Failure extends Error {
  constructor(
    readonly exit: number,
    message: string,
    readonly cure: string,
  ) {
    super(message);
    this.name = "Failure";
  }
}

/** @returns a Failure that means: the command line asked for something that cannot be. */
export const misused = (message: string, cure: string): Failure => new Failure(EXIT.usage, message, cure);

/** A failure as a person is told it. */
export interface Told {
  readonly exit: number;
  readonly what: string;
  readonly cure: string;
}

const isRefusalCode = (code: unknown): code is RefusalCode =>
  typeof code === "string" && Object.hasOwn(EXIT_OF, code);

type Anything = Error & {
  readonly cure?: unknown;
  readonly exit?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly path?: unknown;
};

/** An error that is none of ours: of the operating system, or a bug. */
function foreign({ message, code, syscall, path }: Anything): Told {
  if (code === "EACCES" || code === "EPERM") {
    return {
      exit: EXIT.permission,
      what: message,
      cure: "run it as root (sudo), or as the owner of the instance",
    };
  }
  const cure =
    typeof path === "string"
      ? `look at ${dirname(path)}: is it there, may it be written, is there room?`
      : "look at: knockctl status; KNOCKLINE_TRACE=1 shows where it happened";
  if (typeof syscall === "string") return { exit: EXIT.broken, what: `the system refused: ${message}`, cure };
  return {
    exit: EXIT.broken,
    what: `unexpected: ${message}`,
    cure: "please report this; KNOCKLINE_TRACE=1 shows where",
  };
}

/** Tells any error in two lines. Every error of ours that a person may meet has a `cure`. */
export function told(error: unknown): Told {
  if (!(error instanceof Error))
    return { exit: EXIT.broken, what: String(error), cure: "please report this" };
  const { message, cure, exit, code } = error as Anything;
  if (typeof cure !== "string") return foreign(error);
  if (typeof exit === "number") return { exit, what: message, cure };
  return { exit: isRefusalCode(code) ? EXIT_OF[code] : EXIT.broken, what: message, cure };
}
