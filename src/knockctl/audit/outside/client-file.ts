import type { ApprovalKind } from "../../../shared/gate/views.ts";
import { misused } from "../../failure.ts";

/** What a generated bash client says about itself, in its filled-in lines. */
export interface Client {
  readonly path: string;
  readonly user: string;
  /** The TCP port that it looks at; undefined: only UDP services. */
  readonly probe: number | undefined;
  readonly approval: ApprovalKind;
  /** Seconds that a request waits for its call. */
  readonly pending: number;
}

/** The lines that `user client` fills in: `name='value'`, and nothing in a value that could end the quotes. */
const FILLED = /^(user|probe|approval|pending|steps)='([^']*)'/gm;

/**
 * Reads a client made by `knockctl user client NAME --format sh`; its secret ports are looked for, and not kept.
 * @throws Failure (usage) when it is none
 */
export function readClient(path: string, text: string): Client {
  const filled = new Map([...text.matchAll(FILLED)].map(([, key = "", value = ""]) => [key, value]));
  const { user, probe, approval, pending, steps } = Object.fromEntries(filled);
  const isClient = user !== undefined && probe !== undefined && /^(udp|tcp)\/\d/.test(steps ?? "");
  if (!isClient || (approval !== "none" && approval !== "phone" && approval !== "call"))
    throw misused(
      `${path} is no client in bash`,
      "make one on the server: knockctl user client NAME > knock-NAME.sh",
    );
  return { path, user, probe: Number(probe) || undefined, approval, pending: Number(pending) || 600 };
}
