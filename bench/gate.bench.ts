import { bench, describe } from "vitest";
import { type Opening, open } from "../src/shared/access/grants.ts";
import { parseGrantAddress } from "../src/shared/address.ts";
import { noKnockd } from "../src/shared/gate/answers/answerer.ts";
import { answer } from "../src/shared/gate/answers/answers.ts";
import { settings, type TestGate, testGate } from "../test/helpers/gate.ts";

/** Only our own code: the store is memory, the firewall a fake. What disk and kernel add is what `npm run bench` measures. */

const SINCE = "2026-01-01T00:00:00.000Z";

/** A gate whose user has so many doors open; each knock of its user replaces the oldest. */
async function gateWith(live: number): Promise<(n: number) => Promise<unknown>> {
  const chosen = settings({ firewall: { guard: "services" }, access: { max_grants_per_user: 1_000 } });
  const t: TestGate = await testGate({ settings: chosen });
  await answer(t.gate, "user_add", { name: "ann", proof: "none" }, { ...noKnockd(t.gate), since: SINCE });
  const knock = (n: number) => {
    const address = parseGrantAddress(`12.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`);
    if (address === undefined) throw new Error("no address");
    const opening: Opening = { address, user: "ann", by: "knock", proof: "none" };
    return t.gate.run((state, tx) => open(state, tx, opening, t.gate.parts.freshId));
  };
  for (let n = 0; n < live; n++) await knock(n);
  return knock;
}

describe("the gate: a knock becomes a grant", async () => {
  for (const live of [0, 1_000]) {
    const knock = await gateWith(live);
    let n = live;
    bench(`with ${live} of the user's doors open${live === 0 ? " at first" : ""}`, async () => {
      await knock(n);
      n += 1;
    });
  }
  const knock = await gateWith(1);
  bench("renewed for the same address", async () => {
    await knock(0);
  });
});
