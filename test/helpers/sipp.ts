import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host, Ran } from "./lab.ts";
import { captureOfKeys, PAYLOAD_TYPE } from "./sipp-capture.ts";

/** One call by SIPp. */
export interface SippCall {
  /** Who calls, as the PBX knows its endpoints. */
  readonly from: string;
  readonly extension: string;
  /** `0-9 * #`; `w` waits half a second. The first goes down half a second after the PBX has answered. */
  readonly keys: string;
}

/** ms after which a call that is not over has failed */
const PATIENCE = 50_000;

/**
 * Calls the PBX on the host's loopback with SIPp, a telephone that is not Asterisk: keys while the PBX speaks, and
 * waits until the PBX hangs up.
 * @returns what became of SIPp: exit code 0 when every message came as it should
 */
export async function callWithSipp(host: Host, call: SippCall): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), "knockline-sipp-"));
  try {
    writeFileSync(join(folder, "keys.pcap"), captureOfKeys(call.keys));
    writeFileSync(join(folder, "call.xml"), scenario(call.from));
    const where = ["-i", "127.0.0.1", "-p", "5080", "-mi", "127.0.0.1", "-mp", "6000"];
    const once = ["-m", "1", "-nostdin", "-timeout", `${PATIENCE}ms`, "-timeout_error"];
    const args = ["127.0.0.1:5060", "-sf", "call.xml", "-s", call.extension, ...where, ...once];
    // cwd: SIPp looks for the capture where it runs
    return await host.run("sipp", args, { cwd: folder, timeout: PATIENCE + 5_000, env: { TERM: "dumb" } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SDP = `v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 ${PAYLOAD_TYPE}
a=rtpmap:0 PCMU/8000
a=rtpmap:${PAYLOAD_TYPE} telephone-event/8000
a=fmtp:${PAYLOAD_TYPE} 0-15`;

/** The call in SIPp's own words: INVITE, answer, keys, and the PBX's BYE. */
function scenario(from: string): string {
  const request = (method: string, target: string, to: string, rest: string) => `<![CDATA[
${method} ${target} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:${from}@[local_ip]:[local_port]>;tag=[pid]-[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>${to}
Call-ID: [call_id]
CSeq: 1 ${method}
Contact: <sip:${from}@[local_ip]:[local_port]>
Max-Forwards: 70
${rest}
]]>`;
  const invite = request(
    "INVITE",
    "sip:[service]@[remote_ip]:[remote_port]",
    "",
    `Content-Type: application/sdp\nContent-Length: [len]\n\n${SDP}`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="somebody calls and keys">
<send retrans="500">${invite}</send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="183" optional="true"/>
<recv response="200" rrs="true"/>
<send>${request("ACK", "[next_url]", "[peer_tag_param]", "Content-Length: 0\n")}</send>
<pause milliseconds="500"/>
<nop><action><exec play_pcap_audio="keys.pcap"/></action></nop>
<recv request="BYE"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
`;
}
