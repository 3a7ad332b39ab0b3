import { hostOfServer, renderClient } from "../../shared/clients/render.ts";
import { type Run, textOption } from "../command.ts";
import { EXIT } from "../failure.ts";

/** `knockctl user client`: a file to knock with, on standard output. */
export const client: Run = async (call, world) => {
  const view = await (await world.asker()).ask("user_client", { name: call.args[0] ?? "" });
  const host = textOption(call, "host") ?? hostOfServer(view.server);
  const format = (textOption(call, "format") ?? "sh") as "sh" | "ps1" | "text";
  world.say(renderClient(view, host, format).trimEnd());
  if (textOption(call, "host") === undefined && world.terminal === undefined) {
    world.tell(`note: it knocks at ${host}; another name or address: --host`);
  }
  return EXIT.done;
};
