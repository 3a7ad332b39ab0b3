import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { daemonOptions } from "../shared/host/adapters/daemon-options.ts";
import { findKeeper } from "../shared/host/adapters/keeper.ts";
import { DAEMON_EXIT, daemonHelp, PHONE_AUTH } from "../shared/host/daemon.ts";
import { openLog, styleOfStandardError } from "../shared/log/adapters/pino.ts";
import type { Log } from "../shared/log/log.ts";
import { loadSettings } from "../shared/settings/adapters/load.ts";
import { SettingsError } from "../shared/settings/problem.ts";
import type { Settings } from "../shared/settings/settings.ts";
import { readCredentials } from "./adapters/credentials.ts";
import { GateWatch } from "./adapters/gate-watch.ts";
import { socketLines } from "./adapters/socket-line.ts";
import type { CallSettings } from "./call/call.ts";
import { Driver } from "./driver.ts";
import { openChildLink } from "./link/adapters/child-link.ts";
import type { LinkState } from "./link/link.ts";

const VERSION = "0.1.0";

/** The program that runs ari-client, built beside this one. */
const LINK_PROGRAM = join(__dirname, "ari-link.cjs");

async function serve(file: string): Promise<void> {
  const settings = await readSettings(file);
  const log = openLog({ name: "phone-auth", level: settings.log.level, style: styleOfStandardError() });
  const driver: Driver = new Driver({
    phone: settings.phone,
    calls: callSettings(settings),
    openLink: (hear) => {
      const command = [process.execPath, LINK_PROGRAM];
      return openChildLink({ command, credentials: () => readCredentials(settings) }, hear);
    },
    openLine: socketLines(settings.paths.phoneSocket),
    after: (span, callback) => {
      const timer = setTimeout(callback, span);
      return () => clearTimeout(timer);
    },
    log,
    freshId: () => randomBytes(8).toString("hex"),
    onCallOver: (request, end) => gate.callOver(request, end),
    onLink: (state) => {
      tellOfLink(log, state);
      gate.tell(state.state);
    },
  });
  const gate = new GateWatch(settings.paths.phoneSocket, log, (order) => void driver.ring(order));
  void gate.keepUp();
  log.info("phone-auth is up", { asterisk: settings.phone.url, app: settings.phone.app });

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await driver.stop();
    gate.close();
    log.info("phone-auth has stopped");
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop());

  const keeper = findKeeper(log);
  await keeper.ready(`taking calls from ${settings.phone.url}`);
  // gate and Asterisk may be away for as long as they like: what must be alive is the event loop
  keeper.keepAlive(async () => undefined);
}

/** @throws SettingsError also when the phone is off, or its password cannot be used */
async function readSettings(file: string): Promise<Settings> {
  const settings = await loadSettings(file);
  if (!settings.phone.enabled) {
    const problem = { path: "phone.enabled", message: "the phone is off in the settings" };
    throw new SettingsError(settings.paths.config, [problem], "set enabled = true under [phone]");
  }
  await readCredentials(settings);
  return settings;
}

function callSettings({ phone, paths }: Settings): CallSettings {
  return {
    sounds: phone.sounds,
    recordings: paths.sounds,
    patience: {
      call: phone.longestCall,
      first_digit: phone.firstDigit,
      between_digits: phone.betweenDigits,
    },
  };
}

function tellOfLink(log: Log, link: LinkState): void {
  if (link.state === "up") log.info("the link to Asterisk is up");
  else if (link.state === "connecting") log.warn("no link to Asterisk yet", { reason: link.why });
  else if (link.state === "refused")
    log.error(`Asterisk refuses us: ${link.why}`, {
      cure: "compare ari.secret and [phone] username with Asterisk's ari.conf; it is tried again by itself",
    });
  else
    log.error("another program took our ARI application over; calls are not taken any more", {
      cure: "stop the other one (a second phone-auth?), then restart this one",
    });
}

/** Says why it cannot go on: one line what, one line what to do. */
function die(error: unknown): never {
  process.stderr.write(
    error instanceof SettingsError
      ? `phone-auth: ${error.message}\n            ${error.cure}\n`
      : `phone-auth: ${error instanceof Error ? error.stack : error}\n`,
  );
  process.exit(error instanceof SettingsError ? DAEMON_EXIT.settings : DAEMON_EXIT.broken);
}

const asked = daemonOptions(PHONE_AUTH);
const { config } = asked;
if (asked.help) process.stdout.write(daemonHelp(PHONE_AUTH));
else if (asked.version) process.stdout.write(`phone-auth ${VERSION}\n`);
else if (asked.check)
  readSettings(config).then(({ paths }) => process.stdout.write(`${paths.config} is fine\n`), die);
else serve(config).catch(die);
