import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import type { NftOptions } from "../../src/shared/firewall/adapters/nft.ts";
import { until } from "../helpers/wait.ts";

/** A network namespace that lives as long as the process that holds it. */
export interface Netns {
  /** How nft and netlink get inside. */
  readonly way: Required<NftOptions>;
  /** Runs a program inside. @returns its stdout @throws Error when it fails, with its stderr */
  run(command: readonly string[], input?: string): string;
  close(): Promise<void>;
}

const netnsOf = (pid: number | "self"): string => readlinkSync(`/proc/${pid}/ns/net`);

/** @returns how nft and netlink get into the network namespace of a process */
export const nftIn = (pid: number): Required<NftOptions> => ({
  command: ["nsenter", "-t", `${pid}`, "-n", "nft"],
  netns: `/proc/${pid}/ns/net`,
});

/** Makes an empty network namespace. The holder ends by itself after ten minutes, should the test be killed. */
export async function openNetns(): Promise<Netns> {
  const holder: ChildProcess = spawn("unshare", ["-n", "sleep", "600"], { stdio: "ignore" });
  const pid = holder.pid ?? 0;
  await until(() => netnsOf(pid) !== netnsOf("self"), { what: "a network namespace of its own" });
  return {
    way: nftIn(pid),
    run: (command, input) =>
      execFileSync("nsenter", ["-t", `${pid}`, "-n", ...command], { encoding: "utf8", input, stdio: "pipe" }),
    close: async () => {
      const ended = new Promise((resolve) => holder.once("exit", resolve));
      holder.kill("SIGKILL");
      await ended;
    },
  };
}
