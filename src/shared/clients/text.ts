import type { ClientView } from "../gate/views.ts";

type Step = ClientView["steps"][number];

/**
 * Writes the settings for programs that are not ours: phone apps, knock, bash, nc and nmap.
 * Pure, and for views that renderClient has checked. @returns lines of at most some 100 characters, a newline last
 */
export function renderText(view: ClientView, host: string): string {
  return `${[head(view, host), phone(view, host), commands(view, host), check(view, host)].join("\n\n")}\n`;
}

function head({ server, user, services, steps, window }: ClientView, host: string): string {
  const opens = services.map(({ name, ports }) => `  ${name.padEnd(14)} ${ports.join(" ")}`);
  return [
    `Knocking as ${user} at ${server}. Secret: whoever has these ports can open the door.`,
    "",
    `host     ${host}`,
    `ports    ${steps.map(({ proto, port }) => `${port} (${proto.toUpperCase()})`).join(", then ")}`,
    `time     all ${steps.length} within ${window} s, in this order; 20 ms or more between them`,
    "content  anything; one byte will do",
    "",
    "A knock opens, for the address it comes from:",
    ...opens,
  ].join("\n");
}

function phone({ user, steps }: ClientView, host: string): string {
  return [
    'Phone, Android: the app "Knock on Ports"',
    `  Name                        ${user}`,
    `  Host                        ${host}`,
    ...steps.map(
      ({ proto, port }, n) => `  Sequence step ${n + 1}             ${proto.toUpperCase()}, Port ${port}`,
    ),
    "  Delay between packets (ms)  100",
    "  IP version                  prefer IPv4 (the one your SIP or SSH app uses; not both)",
    "  Launch app after knocking   your SIP or SSH app",
    "Any other app will do that sends to these ports in this order: JuiceSSH's plugin, Termux with the lines below.",
  ].join("\n");
}

function commands({ steps }: ClientView, host: string): string {
  const stock = steps.map(({ proto, port }) => `${port}:${proto}`).join(" ");
  const devUdp = each(steps, ({ port }) => `echo >/dev/udp/${host}/${port}; sleep 0.1`);
  return [
    "Computer: any one of these (nmap: as root)",
    `  knock -d 20 ${host} ${stock}`,
    ...(steps.every(isUdp) ? [`  ${devUdp}    # bash`] : []),
    `  ${each(steps, (step) => nc(step, host))}`,
    `  ${each(steps, (step) => nmap(step, host))}`,
  ].join("\n");
}

/** A step of the sequence, or the shell's variable that stands for its port. */
type Written = { readonly proto: Step["proto"]; readonly port: Step["port"] | "$p" };

const isUdp = ({ proto }: Step): boolean => proto === "udp";

/** Writes a shell line that runs a command for each step: a loop where all steps are alike. */
function each(steps: readonly Step[], command: (step: Written) => string): string {
  if (!steps.every(isUdp)) return steps.map(command).join("; ");
  const ports = steps.map(({ port }) => port).join(" ");
  return `for p in ${ports}; do ${command({ proto: "udp", port: "$p" })}; done`;
}

const nc = ({ proto, port }: Written, host: string): string =>
  proto === "udp" ? `echo | nc -u -w1 ${host} ${port}` : `nc -z -w1 ${host} ${port}`;

/** One port a run, because nmap shuffles them; no retries, because those come from other ports, later. */
function nmap({ proto, port }: Written, host: string): string {
  const scan = proto === "udp" ? "-sU --data-length 1" : "-sS";
  return `nmap ${host.includes(":") ? "-6 " : ""}-n -Pn ${scan} --max-retries 0 -p ${port} ${host}`;
}

function check({ probe }: ClientView, host: string): string {
  if (probe === null)
    return "Nothing of it is TCP, so no program can tell whether the door opened: try the service itself.";
  return `Open? Then this says so at once:\n  nc -z -w2 ${host} ${probe} && echo open`;
}
