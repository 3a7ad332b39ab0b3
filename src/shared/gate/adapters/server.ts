import { lchown, stat } from "node:fs/promises";
import type { Socket } from "node:net";
import { concerns, viewEvent } from "../../access/event.ts";
import type { Gate } from "../../access/gate.ts";
import { parseGrantAddress } from "../../address.ts";
import { LimitedLog } from "../../log/limited.ts";
import type { Paths } from "../../settings/settings.ts";
import { type Answerer, nothingToWatch } from "../answers/answerer.ts";
import { answer } from "../answers/answers.ts";
import { decodePhoneRequest } from "../decode/phone-request.ts";
import { type AdminRequest, decodeRequest } from "../decode/request.ts";
import type { Switchboard } from "../switchboard.ts";
import { Refusal } from "../verbs.ts";
import { type AnswerLine, type Conversation, converse, type LineServer, serveLines } from "./line-server.ts";

/** A restore sends a whole backup in one line; who may ask here is root or as good. Bytes. */
const MAX_ADMIN_LINE = 64 << 20;
/** phone-auth has no reason to send more in one line. Bytes. */
const MAX_PHONE_LINE = 4_096;

/** Answers admins: root and the instance's owner. */
export function serveAdmin(path: string, gate: Gate, about: Answerer): Promise<LineServer> {
  return serveLines(path, 0o600, adminAnswers(gate, about), { connections: 64, line: MAX_ADMIN_LINE });
}

/** Answers one admin whom we know, over a socket that may be half open. */
export function serveOne(socket: Socket, gate: Gate, about: Answerer): void {
  converse(socket, adminAnswers(gate, about), { connections: 1, line: MAX_ADMIN_LINE });
}

function adminAnswers(gate: Gate, about: Answerer): AnswerLine {
  return async (line, conversation) => {
    const request = decodeRequest(line);
    if (request.verb === "watch") return watch(gate, request as AdminRequest<"watch">, conversation, about);
    return answer(gate, request.verb, request.args as never, about);
  };
}

/** Answers phone-auth: the group that may read the ARI password may ask here too. */
export async function servePhone(paths: Paths, gate: Gate, switchboard: Switchboard): Promise<LineServer> {
  const { log, clock } = gate.parts;
  // a taken phone-auth must not fill the log
  const limited = new LimitedLog(log, clock, "the phone socket gave more cause for warnings");
  const server = await serveLines(
    paths.phoneSocket,
    0o660,
    async (line, conversation) => {
      try {
        return await switchboard.answer(decodePhoneRequest(line), conversation);
      } catch (error) {
        limited.warn("a question on the phone socket was refused", { message: String(error) });
        throw error;
      }
    },
    // each call has a connection of its own, and phone-auth two
    {
      connections: gate.state.settings.phone.maxCalls + 16,
      line: MAX_PHONE_LINE,
      hungUp: (why) => limited.warn("an asker on the phone socket was hung up on", { why }),
    },
  );
  const group = await stat(paths.ariSecret).then(
    ({ gid }) => gid,
    () => undefined,
  );
  if (group !== undefined) {
    await lchown(paths.phoneSocket, -1, group).catch((error) =>
      log.warn("phone-auth may not be able to reach its socket", { message: String(error) }),
    );
  }
  return server;
}

function watch(
  gate: Gate,
  { args }: AdminRequest<"watch">,
  conversation: Conversation,
  { since }: Answerer,
): object {
  if (since === null) throw nothingToWatch();
  const asked = watched(gate, args);
  const stop = gate.subscribe((event) => {
    if (concerns(event, asked)) conversation.tell(viewEvent(event));
  });
  conversation.onClose(stop);
  return {};
}

/** Whom to watch, as events name him. @throws Refusal for who can be in none: he would be waited for in vain */
function watched({ state }: Gate, { what, user }: WatchArgs): WatchArgs {
  const address = what === undefined || state.users.has(what) ? undefined : parseGrantAddress(what);
  const unknown = [address ?? what, user].find(
    (name) => name !== undefined && name !== address && !state.users.has(name),
  );
  if (unknown === undefined) return { what: address ?? what, user };
  throw new Refusal(
    "not_found",
    `there is no user ${unknown}, and it is no address`,
    "see who there is: knockctl user list",
  );
}

type WatchArgs = AdminRequest<"watch">["args"];
