import type { Check, Seen } from "../seen.ts";
import { type Finding, findingsOr, unseen } from "../verdict.ts";

/** A thousand clients in the same instant lose nothing with so much (bytes). */
const ROOM = 4 << 20;

const octal = (mode: number): string => mode.toString(8).padStart(4, "0");

/** Can others read what is ours? */
const modes: Check = ({ machine }) =>
  findingsOr(
    "our files are private",
    machine.files
      .filter(({ mode, limit }) => (mode & ~limit) !== 0)
      .map(({ path, mode, limit }) => ({
        id: `mode-${path.split("/").at(-1) ?? path}`,
        severity: "high",
        what: `${path} has mode ${octal(mode)}`,
        why: "others on this host can read or change what decides who comes in",
        fix: `chmod ${octal(limit)} ${path}`,
      })),
  );

/** What is wrong with one setting of sshd, and the line that puts it right. */
interface SshdRule {
  readonly id: string;
  readonly severity: Finding["severity"];
  readonly isWrong: (value: (key: string) => string) => boolean;
  readonly what: string;
  readonly why: string;
  readonly line: string;
}

const SSHD: readonly SshdRule[] = [
  {
    id: "sshd-empty-passwords",
    severity: "high",
    isWrong: (value) => value("permitemptypasswords") === "yes",
    what: "sshd takes empty passwords",
    why: "whoever is let in by address needs nothing more",
    line: "PermitEmptyPasswords no",
  },
  {
    id: "sshd-root",
    severity: "medium",
    isWrong: (value) => value("permitrootlogin") === "yes",
    what: "sshd lets root in with a password",
    why: "behind an open door there is the one name that everybody knows",
    line: "PermitRootLogin prohibit-password",
  },
  {
    id: "sshd-passwords",
    severity: "low",
    isWrong: (value) => value("passwordauthentication") === "yes",
    what: "sshd takes passwords",
    why: "who shares your address (a hotel, a carrier) may guess while your door is open",
    line: "PasswordAuthentication no",
  },
];

/** Is the log-in behind the door a good one? */
const sshd: Check = ({ machine }) => {
  const { sshd: settings } = machine;
  if (settings === undefined) return [unseen("sshd is not here, or does not tell its settings (sshd -T)")];
  const findings = SSHD.filter(({ isWrong }) => isWrong((key) => settings.get(key) ?? "")).map(
    ({ id, severity, what, why, line }) => ({
      id,
      severity,
      what,
      why,
      fix: `echo '${line}' > /etc/ssh/sshd_config.d/00-${id}.conf && systemctl reload ssh`,
    }),
  );
  return findingsOr("sshd asks for more than a password", findings);
};

/** Can a signed knock's time be judged? */
const clock: Check = ({ machine }) => {
  if (machine.clockIsSynchronized === undefined)
    return [unseen("whether the clock is synchronised cannot be seen")];
  const free: Finding = {
    id: "clock",
    severity: "medium",
    what: "the clock is not synchronised",
    why: "codes and signed knocks are refused when it is off by more than half a minute, or five",
    fix: "timedatectl set-ntp true",
  };
  return findingsOr("the clock is synchronised", machine.clockIsSynchronized ? [] : [free]);
};

/** Programs that we need for what is set up, with the package that brings them. */
const TOOLS: readonly {
  readonly name: string;
  readonly pack: string;
  readonly why: string;
  readonly isWanted: (seen: Seen) => boolean;
}[] = [
  { name: "nft", pack: "nftables", why: "nothing can be opened or closed", isWanted: () => true },
  {
    name: "ss",
    pack: "iproute2",
    why: "a revoke leaves the server's side of a session behind",
    isWanted: () => true,
  },
  {
    name: "tcpdump",
    pack: "tcpdump",
    why: "TCP steps of a knock are not seen",
    isWanted: ({ users }) => users.some(({ steps }) => steps.some(({ proto }) => proto === "tcp")),
  },
];

/** The programs of which the checks want to know whether they are there. */
export const AUDITED_TOOLS: readonly string[] = TOOLS.map(({ name }) => name);

/** Is everything here that is used? */
const tools: Check = (seen) =>
  findingsOr(
    "every program that is used is installed",
    TOOLS.filter(({ name, isWanted }) => isWanted(seen) && !seen.machine.tools.has(name)).map(
      ({ name, pack, why }) => ({
        id: `tool-${name}`,
        severity: name === "nft" ? "high" : "medium",
        what: `${name} is not installed`,
        why,
        fix: `apt-get install -y ${pack}`,
      }),
    ),
  );

/** Do knocks survive a crowd? */
const buffer: Check = ({ machine }) => {
  const { receiveBuffer } = machine;
  const isRoomy = receiveBuffer === undefined || receiveBuffer >= ROOM;
  const small: Finding = {
    id: "receive-buffer",
    severity: "low",
    what: `net.core.rmem_max is ${receiveBuffer}`,
    why: "when a thousand clients knock in the same instant, most of their knocks are lost in the kernel",
    fix: `sysctl -w net.core.rmem_max=${ROOM} && echo net.core.rmem_max=${ROOM} > /etc/sysctl.d/60-knockline.conf`,
  };
  return findingsOr("knock sockets have room for a crowd", isRoomy ? [] : [small]);
};

/** The machine around us. */
export const machineChecks: readonly Check[] = [modes, sshd, clock, tools, buffer];
