import { seconds } from "../../duration.ts";
import { type Child, type ChildOptions, type RunResult, run, start } from "../../host/adapters/run.ts";
import { FIREWALL_CURES, failure, failureFrom } from "../failure.ts";
import { FirewallError, type FirewallOutcome } from "../firewall.ts";

/** A transaction of a whole ruleset takes some 20 ms, a listing of 100,000 elements a second. */
const TIME_LIMIT = seconds(10);

/** Interactive nft writes every command to $HOME/.nft.history, which in time eats the CPU. */
const NO_HISTORY = { HOME: "/nonexistent" };

/** The nft program, and the ways to run it. */
export class NftCommand {
  constructor(private readonly command: readonly string[]) {}

  /** Loads text with `nft -f -`, as one transaction. */
  async load(text: string): Promise<FirewallOutcome> {
    const result = await this.#run(["-f", "-"], text);
    if (result.code === 0) return { ok: true };
    if (result.code === undefined) return failure("unavailable", noAnswer(result).message);
    return failureFrom(result.stderr);
  }

  /**
   * Runs a command that only reads, and cannot fail where the filter can be asked: what an nft printed that failed must
   * not pass for an empty ruleset.
   * @throws FirewallError
   */
  async read(args: readonly string[], input?: string): Promise<RunResult> {
    const result = await this.#run(args, input);
    if (result.code === undefined) throw noAnswer(result);
    if (/Operation not permitted|Permission denied|must be root/.test(result.stderr)) throw nftDenied();
    if (result.code !== 0) throw nftFailed(result);
    return result;
  }

  /** Starts nft as a child that goes on running. */
  start(args: readonly string[], options: Omit<ChildOptions, "env">): Child {
    return start([...this.command, ...args], { ...options, env: NO_HISTORY });
  }

  #run(args: readonly string[], input?: string): Promise<RunResult> {
    const stdin = input === undefined ? {} : { input };
    return run([...this.command, ...args], { ...stdin, timeLimit: TIME_LIMIT, env: NO_HISTORY });
  }
}

function noAnswer({ failed }: RunResult): FirewallError {
  if (failed === "missing")
    return new FirewallError("nft is not installed", "install it: apt-get install nftables");
  if (failed === "exhausted")
    return new FirewallError(
      "no process can be started for nft",
      "look at TasksMax=, ulimit -u and free memory",
    );
  return new FirewallError(`nft did not answer: ${failed}`, "look at the host's load and at dmesg");
}

const nftDenied = (): FirewallError =>
  new FirewallError("nft may not touch the firewall", FIREWALL_CURES.denied, "denied");

function nftFailed({ stderr }: RunResult): FirewallError {
  const outcome = failureFrom(stderr);
  return new FirewallError(outcome.message, "look at: nft list ruleset, lsmod and dmesg");
}
