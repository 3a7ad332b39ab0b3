import { expect } from "vitest";
import type { Duration } from "../../src/shared/duration.ts";
import type { Scene } from "./instance.ts";
import type { Host } from "./lab.ts";
import { until } from "./wait.ts";

/** What drills look at from outside: a door, and what `knockctl status` says. */
export class Watcher {
  constructor(readonly scene: Scene<"laptop" | "stranger">) {}

  /** @returns whether a TCP connection to the guarded port gets through now */
  async isOpenTo(host: Host): Promise<boolean> {
    return (await this.scene.instance.tryConnect(host, 22, { timeout: 200 })) === "open";
  }

  /** What is wrong, in words, as the running knockd says. */
  async problems(): Promise<string> {
    return (await this.scene.instance.ask("status")).knockd.problems.join("\n");
  }

  /** Waits until status names a problem, and is not ok. */
  async says(words: string | RegExp, deadline = 10_000): Promise<void> {
    const said = async (): Promise<boolean> => {
      const { ok } = await this.scene.instance.ask("status");
      return !ok && new RegExp(words).test(await this.problems());
    };
    await until(said, { what: `status says: ${words}`, deadline, every: 100 });
  }

  /** Waits until status finds nothing wrong. */
  async isWell(deadline = 10_000): Promise<void> {
    const well = async (): Promise<boolean> => (await this.scene.instance.ask("status")).ok;
    await until(well, { what: "status finds nothing wrong", deadline, every: 100 }).catch(async (error) => {
      throw new Error(`${(error as Error).message}\n${await this.problems()}\n${this.scene.instance.log()}`);
    });
  }

  /** Opens the door for a host by the admin's word. @returns when it ends, ms since 1970 */
  async grant(host: Host, ttl: Duration): Promise<number> {
    const wish = { address: host.address, services: ["ssh"], ttl: ttl / 1_000 };
    const { grant } = await this.scene.instance.ask("grant", wish);
    expect(await this.isOpenTo(host)).toBe(true);
    return Date.parse(grant.expires);
  }

  /** The stranger is outside, and the laptop inside or not. */
  async expectOpenOnlyTo(...inside: Host[]): Promise<void> {
    const { laptop, stranger } = this.scene.hosts;
    for (const host of [laptop, stranger])
      expect(await this.isOpenTo(host), `open to ${host.name}`).toBe(inside.includes(host));
  }
}
