import { setTimeout as delay } from "node:timers/promises";
import type { Gate } from "../shared/access/gate.ts";
import { type Duration, milliseconds, seconds } from "../shared/duration.ts";
import { FirewallError } from "../shared/firewall/firewall.ts";
import { connectGate } from "../shared/gate/adapters/client.ts";
import { openGate } from "../shared/gate/adapters/open-gate.ts";
import { serveAdmin, servePhone } from "../shared/gate/adapters/server.ts";
import { Switchboard } from "../shared/gate/switchboard.ts";
import { systemClock } from "../shared/host/adapters/clock.ts";
import { daemonOptions } from "../shared/host/adapters/daemon-options.ts";
import { findKeeper } from "../shared/host/adapters/keeper.ts";
import { collectGarbage } from "../shared/host/adapters/memory.ts";
import { freshToken, systemRandom } from "../shared/host/adapters/random.ts";
import { DAEMON_EXIT, daemonHelp, KNOCKD } from "../shared/host/daemon.ts";
import { HostError } from "../shared/host/failure.ts";
import { openLog, styleOfStandardError } from "../shared/log/adapters/pino.ts";
import type { Log } from "../shared/log/log.ts";
import { checkSecret, loadSettings } from "../shared/settings/adapters/load.ts";
import { SettingsError } from "../shared/settings/problem.ts";
import type { Settings } from "../shared/settings/settings.ts";
import { StoreError } from "../shared/store/store.ts";
import { openBootTimer } from "./adapters/boot-timer.ts";
import { Listeners } from "./adapters/listeners.ts";
import { Sniffer } from "./adapters/sniffer.ts";
import { Alarms } from "./alarms.ts";
import { keepOld, portOwners, reload, takeOver, watchedPorts } from "./daemon.ts";
import { Knocks } from "./knocks.ts";
import { NameWatch } from "./name-watch.ts";
import { PhoneDoor } from "./phone-door.ts";
import { prove } from "./proofs/prove.ts";

const VERSION = "0.1.0";
/** How long to wait for a knockctl that is the gate for one command, and how often to look. */
const PATIENCE = seconds(3);
const RETRY = milliseconds(100);

/** What a SYN carries. */
const NO_PAYLOAD = Buffer.alloc(0);

async function serve(file: string): Promise<void> {
  const settings = await loadSettings(file);
  await checkSecret(settings.paths);
  const log = openLog({ name: "knockd", level: settings.log.level, style: styleOfStandardError() });
  const alarms = new Alarms(systemClock, await openBootTimer(() => alarms.look()));
  let gate: Gate;
  gate = await becomeGate(
    settings,
    log,
    alarms.add(() => gate.sweep()),
  );
  const knocks = new Knocks(gate, prove, (task, after) => void setTimeout(task, after).unref());
  const listeners = new Listeners(settings.knock.listen, log, (port, source, payload, now) =>
    knocks.take({ source, proto: "udp", port }, payload, now),
  );
  const report = (): void => reportProblems(gate, [...listeners.problems, ...sniffer.problems]);
  const sniffer = new Sniffer({
    log,
    onSyn: (knock, now) => knocks.take(knock, NO_PAYLOAD, now),
    onProblems: report,
  });
  const follow = async (): Promise<void> => {
    const { users, decoys } = gate.state;
    const tcp = watchedPorts(users.values(), decoys);
    knocks.settle();
    await Promise.all([listeners.follow(portOwners(users.values(), decoys)), sniffer.follow(tcp.length > 0)]);
    report();
    await gate.bindPorts({ udp: listeners.bound, tcp });
  };
  gate.onPortsChanged(follow);
  gate.onCounted((reported) => sniffer.count(reported));
  await takeOver(gate);
  await follow();
  const stopWatching = gate.parts.firewall.watch(() => void gate.heal());
  let switchboard: Switchboard | undefined;
  const phone = new PhoneDoor(() => {
    switchboard = new Switchboard(gate, freshToken);
    return servePhone(settings.paths, gate, switchboard);
  });
  const adopt = async (changed: Settings): Promise<void> => {
    await reload(gate, changed);
    await phone.follow(changed.phone.enabled);
  };
  const read = (): Promise<Settings> => loadSettings(file);
  const admin = await serveAdmin(settings.paths.adminSocket, gate, {
    since: new Date().toISOString(),
    read,
    adopt,
    phoneSilentSince: () => switchboard?.silentSince,
  });
  await phone.follow(settings.phone.enabled);
  await gate.sweep();
  const names = new NameWatch(
    gate,
    systemRandom,
    alarms.add(() => names.tick()),
  );
  gate.names = names;
  names.follow();
  collectGarbage();
  log.info("knockd is up", {
    users: gate.state.users.size,
    ports: listeners.bound.length,
    guard: gate.state.firewall.confirmed?.guard ?? "nothing",
  });

  process.on("SIGHUP", () =>
    read()
      .then(adopt)
      .then(
        () => log.info("settings were read again"),
        (error) => keepOld(gate, error),
      ),
  );
  const stop = once(async () => {
    listeners.close();
    await sniffer.close();
    await admin.close();
    await phone.follow(false);
    stopWatching();
    await gate.close();
    log.info("knockd has stopped; open doors close on time by themselves");
    process.exit(0);
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, stop);
  const keeper = findKeeper(log);
  await keeper.ready(`listening on ${listeners.bound.length} ports, ${gate.state.users.size} users`);
  keeper.keepAlive(() => {
    alarms.look(); // should ever a signal be lost
    return gate.probe();
  });
}

/**
 * Opens the gate. A knockctl that holds the store for the length of one command is waited for; a knockd that runs
 * answers on the socket, and then there is nothing to wait for.
 * @throws StoreError
 */
async function becomeGate(settings: Settings, log: Log, wake: (after: Duration) => void): Promise<Gate> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    try {
      return await openGate(settings, log, wake);
    } catch (error) {
      if (!(error instanceof StoreError && error.why === "locked") || performance.now() > deadline)
        throw error;
      const running = await connectGate(settings.paths.adminSocket).catch(() => undefined);
      await running?.close();
      if (running !== undefined) throw error;
      await delay(RETRY);
    }
  }
}

/** Puts what is wrong with watching for knocks in the place of what was. */
function reportProblems(gate: Gate, problems: readonly string[]): void {
  for (const topic of gate.problems.keys()) if (topic.startsWith("knocks ")) gate.problems.delete(topic);
  for (const problem of problems) gate.problems.set(`knocks ${problem}`, problem);
}

function once(task: () => Promise<void>): () => void {
  let begun = false;
  return () => {
    if (!begun) void task();
    begun = true;
  };
}

/** Says why it cannot go on: one line what, one line what to do. */
function die(error: unknown): never {
  const known =
    error instanceof SettingsError ||
    error instanceof StoreError ||
    error instanceof FirewallError ||
    error instanceof HostError;
  process.stderr.write(
    known
      ? `knockd: ${error.message}\n        ${error.cure}\n`
      : `knockd: ${error instanceof Error ? error.stack : error}\n`,
  );
  process.exit(error instanceof SettingsError ? DAEMON_EXIT.settings : DAEMON_EXIT.broken);
}

const asked = daemonOptions(KNOCKD);
const { config } = asked;
if (asked.help) process.stdout.write(daemonHelp(KNOCKD));
else if (asked.version) process.stdout.write(`knockd ${VERSION}\n`);
else if (asked.check)
  loadSettings(config).then(({ paths }) => process.stdout.write(`${paths.config} is fine\n`), die);
else serve(config).catch(die);
