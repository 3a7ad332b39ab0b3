import { readClient } from "../audit/outside/client-file.ts";
import { judge } from "../audit/outside/judge.ts";
import { planOutside } from "../audit/outside/plan.ts";
import { merge, type Report, reportOf } from "../audit/outside/report.ts";
import { walk } from "../audit/outside/walk.ts";
import { type Call, isSet, type Run, textOption } from "../command.ts";
import { EXIT, Failure, misused } from "../failure.ts";
import { renderReports } from "../render/outside.ts";
import { printable } from "../render/style.ts";
import type { World } from "../world.ts";
import { listOf } from "./values.ts";

/** Options that say nothing without --from-outside. */
const NEED_HOST = ["client", "ports", "second", "via", "viaHost", "wait", "phone", "as", "save"];

/** A client with its longest user. Bytes. */
const LONGEST_CLIENT = 128 << 10;

/** @returns true when the audit is meant for another machine's doors, not for this one */
export const isFromOutside = (call: Call): boolean =>
  ["fromOutside", "merge", ...NEED_HOST].some((name) => call.options[name] !== undefined);

/** Looks from here. @throws Failure for what cannot be, before a packet is sent */
async function lookFromHere(call: Call, world: World, host: string): Promise<Report> {
  const option = (name: string): string | undefined => textOption(call, name);
  const path = option("client");
  const client =
    path === undefined ? undefined : readClient(path, await world.readText(path, LONGEST_CLIENT));
  const ports = option("ports");
  const plan = planOutside(
    {
      host,
      ports: ports === undefined ? undefined : listOf("--ports", ports),
      second: option("second"),
      via: option("via"),
      viaHost: option("viaHost"),
      wait: option("wait"),
      phone: isSet(call, "phone"),
    },
    client,
  );
  const outside = await world.outside();
  const address = await outside.lookUp(host);
  if (address === undefined)
    throw new Failure(
      EXIT.notFound,
      `no address found for ${host}`,
      "is the name right, and this machine online?",
    );
  const seen = await walk(plan, address, outside, (line) => world.tell(printable(line)));
  return reportOf(host, address, option("as") ?? outside.name, world.now(), judge(plan, address, seen));
}

/** Reads what other vantage points saved. */
async function saved(call: Call, world: World): Promise<Report[]> {
  const list = textOption(call, "merge");
  if (list === undefined) return [];
  // loaded late: it brings zod
  const { decodeReport } = await import("../audit/outside/decode/report.ts");
  const read = listOf("--merge", list).map(async (path) => decodeReport(path, await world.readText(path)));
  return Promise.all(read);
}

/** `knockctl audit --from-outside HOST`: needs no instance here and no root; exits 1 when a step fails. */
export const auditOutside: Run = async (call, world) => {
  const host = textOption(call, "fromOutside");
  if (host === undefined && NEED_HOST.some((name) => call.options[name] !== undefined))
    throw misused("whose doors shall be tried?", "say it: --from-outside pbx.example.com");
  const others = await saved(call, world);
  const here = host === undefined ? [] : [await lookFromHere(call, world, host)];
  const save = textOption(call, "save");
  if (save !== undefined) await world.replaceText(save, `${JSON.stringify(here[0], null, 2)}\n`);
  const reports = merge([...others, ...here]);
  const findings = reports.flatMap(({ from, steps }) =>
    steps.flatMap(({ finding }) => (finding === null ? [] : [{ ...finding, from }])),
  );
  if (isSet(call, "json")) world.say(JSON.stringify({ vantage_points: reports, findings }, null, 2));
  else world.say(renderReports(reports, world.terminal));
  return findings.length === 0 ? EXIT.done : EXIT.refused;
};
