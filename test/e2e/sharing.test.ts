import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import type { Host } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { holdSession, onlyGrantEnds } from "../helpers/sessions.ts";
import { until } from "../helpers/wait.ts";

/** One address, several knocks and several people: alice and bob sit behind the same router. */

const { describe } = needs("namespaces", "nft", "ip");

const SSH = 22;
const WEB = 80;

describe("behind one address", () => {
  let scene: Scene<"router">;
  let router: Host;
  let alice: User;
  let bob: User;

  beforeAll(async () => {
    scene = await openScene(["router"], { firewall: { guard: "services" } });
    router = scene.hosts.router;
    alice = await scene.instance.addUser("alice", ["--services", "ssh", "--ttl", "10m"]);
    bob = await scene.instance.addUser("bob", ["--services", "ssh,web", "--ttl", "10m"]);
    await scene.instance.start();
  });
  afterEach(() => scene.instance.must(["revoke", "--all"]));
  afterAll(() => scene?.close());

  const grants = async (): Promise<{ id: string; user: string; expires: string }[]> =>
    (await scene.instance.json(["list"])).grants;
  const users = async (): Promise<string[]> => (await grants()).map(({ user }) => user).sort();

  /** Knocks for a user and waits for a grant that ends later than `after`, ms since 1970. */
  async function knock(user: User, after = 0): Promise<void> {
    await scene.instance.knock(router, user);
    const granted = async () =>
      (await grants()).some(({ user: whose, expires }) => whose === user.name && Date.parse(expires) > after);
    await until(granted, { what: `${user.name}'s knock opens` });
  }

  test("the same user again extends the one grant, and keeps its id", async () => {
    await knock(alice);
    const [first] = await grants();
    const ends = await onlyGrantEnds(scene.instance);

    await knock(alice, ends);

    expect(await grants()).toMatchObject([{ id: first?.id, user: "alice" }]);
    expect(await onlyGrantEnds(scene.instance)).toBeGreaterThan(ends);
  });

  test("a shorter grant never shortens what is open already", async () => {
    await knock(alice);
    const ends = await onlyGrantEnds(scene.instance);

    await scene.instance.must(["grant", router.address, "--user", "alice", "--ttl", "5s"]);

    expect(await onlyGrantEnds(scene.instance)).toBe(ends);
  });

  test("revoking one user leaves the other, and the sessions that went through either door", async () => {
    await knock(alice);
    await knock(bob);
    const ssh = await holdSession(router, scene.server, SSH);

    const revoked = await scene.instance.knockctl(["revoke", "alice"]);

    expect(revoked.code).toBe(0);
    expect(revoked.stderr + revoked.stdout).toContain(`${router.address} stays open for ssh`);
    expect(await users()).toEqual(["bob"]);
    await ssh.works();
    expect(await scene.instance.tryConnect(router, SSH)).toBe("open");
  });

  test("revoking cuts the services that nobody else holds open there, and no others", async () => {
    await knock(alice);
    await knock(bob);
    const ssh = await holdSession(router, scene.server, SSH);
    const web = await holdSession(router, scene.server, WEB);

    await scene.instance.must(["revoke", "bob"]);

    await web.isToldItsEnd();
    await ssh.works();
    expect(await scene.instance.tryConnect(router, WEB)).toBe("silent");
    expect(await scene.instance.tryConnect(router, SSH)).toBe("open");
  });

  // `revoked` holds addresses, not services: it fails closed, see docs/decisions/0003
  test("an address that was revoked for one service keeps no session past the end of the grants it still has", async () => {
    const { instance, server } = scene;
    await instance.must(["grant", router.address, "--user", "alice", "--ttl", "3s"]);
    await knock(bob);
    const ssh = await holdSession(router, server, SSH);
    await instance.must(["revoke", "bob"]);
    await ssh.works();
    const closed = async () => (await instance.tryConnect(router, SSH)) === "silent";

    await until(closed, { what: "alice's grant is over" });

    await ssh.isToldItsEnd();
  });

  test("a knock after a revoke opens at once", async () => {
    await knock(alice);
    await scene.instance.must(["revoke", "alice"]);
    expect(await scene.instance.tryConnect(router, SSH)).toBe("silent");

    await scene.instance.knock(router, alice);

    const isOpen = async () => (await scene.instance.tryConnect(router, SSH, { timeout: 200 })) === "open";
    await until(isOpen, { what: "the door is open", deadline: 1_000 });
    const session = await holdSession(router, scene.server, SSH);
    await session.works();
  });
});
