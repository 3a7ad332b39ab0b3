import { type Instance, makeInstance, type Settings } from "../../scripts/lab-instance.mjs";
import { type Host, type Lab, openLab } from "./lab.ts";

export { Instance, makeInstance, type Settings, type User } from "../../scripts/lab-instance.mjs";

/** A lab with an instance on its server, and hosts by name. */
export interface Scene<Name extends string> {
  readonly lab: Lab;
  readonly server: Host;
  readonly hosts: Readonly<Record<Name, Host>>;
  readonly instance: Instance;
  /** Ends every process and removes every file of it. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens a scene: `const { hosts, instance } = await openScene(["laptop", "stranger"], { firewall: ... })`, with
 * an SSH-like service on tcp/22 and a web-like one on tcp/80 of the server. knockd is not started.
 * @throws Error when something of it cannot be made; nothing is left behind then
 */
export async function openScene<Name extends string>(
  names: readonly Name[],
  settings: Settings = {},
): Promise<Scene<Name>> {
  const lab = await openLab();
  let instance: Instance | undefined;
  const close = async (): Promise<void> => {
    await lab.close();
    await instance?.remove();
  };
  try {
    const hosts = {} as Record<Name, Host>;
    for (const name of names) hosts[name] = await lab.host(name);
    instance = await makeInstance(lab.server, settings);
    await lab.server.agent.listen({ port: 22 });
    await lab.server.agent.listen({ port: 80, greeting: "HTTP/1.0 200 OK\r\n" });
    return { lab, server: lab.server, hosts, instance, close };
  } catch (error) {
    await close();
    throw error;
  }
}
