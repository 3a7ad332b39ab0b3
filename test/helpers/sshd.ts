import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Host, Ran } from "./lab.ts";
import { until } from "./wait.ts";

/** OpenSSH's own server and client, with keys of their own. */
export interface Sshd {
  /** Logs in anew, runs one command and leaves. `code` 0: the log-in worked. */
  login(from: Host, command?: string): Promise<Ran>;
  /** Logs in and stays, with a shell to type into. @throws Error when it is not let in */
  open(from: Host): Promise<Shell>;
}

/** A shell at the far end of an SSH session. */
export interface Shell {
  /** Types a command and waits until it has ended. @throws Error when nothing comes back within the deadline (ms) */
  type(command: string, deadline?: number): Promise<{ code: number; said: string }>;
}

/** sshd needs this folder when it runs as root, and a container's boot does not make it. */
const PRIVSEP = "/run/sshd";

/**
 * Starts a real sshd on a host.
 * @param folder where its keys and settings go; whoever made it removes it
 * @throws Error with what sshd said when it does not come up
 */
export async function startSshd(host: Host, folder: string, port: number): Promise<Sshd> {
  const home = join(folder, "sshd");
  mkdirSync(home, { mode: 0o700 });
  if (!existsSync(PRIVSEP)) mkdirSync(PRIVSEP, { mode: 0o755 });
  for (const name of ["host", "user"]) {
    await must(host, "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(home, name)]);
  }
  writeFileSync(join(home, "config"), settings(home, port));
  const running = host.start("/usr/sbin/sshd", ["-D", "-e", "-f", join(home, "config")]);
  const listens = async () => (await must(host, "ss", ["-Hltn", `sport = :${port}`])) !== "";
  await until(listens, { what: "sshd listens" }).catch((error) => {
    throw new Error(`${error.message}\n${running.output()}`);
  });
  const client = [...clientOptions(home, port), `${userInfo().username}@${host.address}`];
  return {
    login: (from, command = "true") => from.run("ssh", [...client, command], { timeout: 5_000 }),
    open: (from) => openShell(from, client),
  };
}

/** Only keys: no PAM, no passwords, and no look at who may write to the temporary folder. */
const settings = (home: string, port: number): string => `
Port ${port}
HostKey ${join(home, "host")}
AuthorizedKeysFile ${join(home, "user.pub")}
PidFile none
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
`;

const clientOptions = (home: string, port: number): string[] => [
  ...["-F", "none", "-p", String(port), "-i", join(home, "user")],
  ...["BatchMode=yes", "ConnectTimeout=2", "IdentitiesOnly=yes", "LogLevel=ERROR"].flatMap(option),
  ...["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"].flatMap(option),
];

const option = (text: string): string[] => ["-o", text];

async function openShell(from: Host, client: readonly string[]): Promise<Shell> {
  const ssh = from.start("ssh", [...client, "bash"]);
  let typed = 0;
  const shell: Shell = {
    async type(command, deadline = 3_000) {
      const before = ssh.output().length;
      const end = `end-of-${++typed}`;
      ssh.child.stdin.write(`{ ${command}; } </dev/null 2>&1; echo ${end} $?\n`);
      const answer = new RegExp(`^${end} (\\d+)$`, "m");
      const what = `\`${command}\` ends in the session of ${from.name}`;
      const [, code] = await until(() => answer.exec(ssh.output()), { what, deadline });
      return { code: Number(code), said: ssh.output().slice(before).replace(answer, "").trim() };
    },
  };
  await shell.type("true").catch((error) => {
    throw new Error(`${error.message}\n${ssh.output()}`);
  });
  return shell;
}

async function must(host: Host, command: string, args: readonly string[]): Promise<string> {
  const ran = await host.run(command, args);
  if (ran.code !== 0) throw new Error(`${command} ${args.join(" ")}: ${ran.stderr}`);
  return ran.stdout;
}
