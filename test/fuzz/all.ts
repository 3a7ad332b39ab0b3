import * as backup from "./backup.fuzz.ts";
import * as firewall from "./firewall.fuzz.ts";
import * as gate from "./gate.fuzz.ts";
import * as imported from "./import.fuzz.ts";
import * as knock from "./knock.fuzz.ts";
import * as log from "./log.fuzz.ts";
import * as nflog from "./nflog.fuzz.ts";
import * as phone from "./phone.fuzz.ts";
import * as settings from "./settings.fuzz.ts";
import * as socket from "./socket.fuzz.ts";
import * as ssh from "./ssh.fuzz.ts";
import * as store from "./store.fuzz.ts";
import type { Target } from "./target.ts";

/** Every target: all that the files here export. */
export const TARGETS: readonly Target[] = [
  knock,
  nflog,
  ssh,
  gate,
  socket,
  backup,
  settings,
  firewall,
  imported,
  store,
  phone,
  log,
].flatMap((file) => Object.values(file));
