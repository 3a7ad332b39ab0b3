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
  const udpOnly = steps.every(({ proto }) => proto === "udp");
  const stock = steps.map(({ proto, port }) => `${port}:${proto}`).join(" ");
  return [
    "Computer: any one of these",
    `  knock -d 20 ${host} ${stock}`,
    `  ${steps.map((step) => nc(step, host)).join("; ")}`,
    ...(udpOnly
      ? [`  for p in ${ports(steps)}; do echo >/dev/udp/${host}/$p; sleep 0.1; done    # bash`]
      : []),
    `  ${steps.map((step) => nmap(step, host)).join("; ")}    # root`,
  ].join("\n");
}

const ports = (steps: readonly Step[]): string => steps.map(({ port }) => port).join(" ");

const nc = ({ proto, port }: Step, host: string): string =>
  proto === "udp" ? `echo | nc -u -w1 ${host} ${port}` : `nc -z -w1 ${host} ${port}`;

/** One port a run, because nmap shuffles them; no retries, because it sends those from other ports, later. */
function nmap({ proto, port }: Step, host: string): string {
  const scan = proto === "udp" ? "-sU --data-length 1" : "-sS";
  return `nmap -n -Pn ${host.includes(":") ? "-6 " : ""}${scan} --max-retries 0 -p ${port} ${host}`;
}

function check({ probe }: ClientView, host: string): string {
  if (probe === null)
    return "Nothing of it is TCP, so no program can tell whether the door opened: try the service itself.";
  return `Open? Then this says so at once:\n  nc -z -w2 ${host} ${probe} && echo open`;
}
