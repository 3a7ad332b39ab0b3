import { fakeFirewall } from "../../src/shared/firewall/fake.ts";
import { firewallContract } from "./firewall.suite.ts";

firewallContract("the in-memory fake", async () => {
  let now = 0;
  const firewall = fakeFirewall(() => now);
  return {
    firewall,
    until: async (what, condition) => {
      for (const end = now + 5_000; !(await condition()); now += 50) {
        if (now > end) throw new Error(`not within 5 s: ${what}`);
      }
    },
    flush: async () => firewall.flush(),
    foreignPut: async (element) => firewall.foreignPut(element),
    alterRules: async () => firewall.alterRules(),
    close: () => firewall.close(),
  };
});
