import { expect, it } from "vitest";
import { listeningPorts } from "../../src/shared/host/proc-net.ts";

it("ports that are listened on are read without their addresses, TCP and UDP", () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 x
   1: 010200C0:0017 320200C0:C350 01 00000000:00000000 02:000A00000 00000000     0        0 222 4 x
 1234: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 0:0 0:0 0 0 0 333 2 x
  rubbish`;
  expect(listeningPorts(text)).toEqual([0x16, 0x35]);
});
