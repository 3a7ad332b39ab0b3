// @ts-check
// The configuration files of a throw-away Asterisk, as text: what knockline asks of a PBX, and callers for it.
import { join } from "node:path";

/**
 * @typedef {object} Plan what an instance is made from
 * @property {import("./asterisk-fetch.mjs").Tree} tree
 * @property {string} folder of the instance: its own files and state
 * @property {string} password of the ARI user `knockline`
 * @property {number} [ariPort] 8088 by default
 * @property {number} [sipPort] 5060 by default
 */

/** Only what is needed: all 300 modules take seconds, and want configuration of their own. */
const MODULES = `
res_timing_timerfd pbx_config app_senddtmf app_stack app_playback app_verbose func_channel func_callerid func_logic
func_global func_pjsip_endpoint codec_ulaw codec_alaw codec_gsm format_gsm format_pcm format_wav format_sln
res_http_websocket res_websocket_client res_stasis res_stasis_answer res_stasis_playback res_stasis_recording
res_stasis_snoop res_stasis_device_state app_stasis res_ari res_ari_model res_ari_applications res_ari_asterisk
res_ari_bridges res_ari_channels res_ari_device_states res_ari_endpoints res_ari_events res_ari_playbacks
res_ari_recordings res_ari_sounds res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjproject res_pjsip
res_pjsip_pubsub res_pjsip_session res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_endpoint_identifier_ip
res_pjsip_endpoint_identifier_anonymous res_pjsip_endpoint_identifier_user res_pjsip_authenticator_digest
res_pjsip_outbound_authenticator_digest res_pjsip_registrar res_pjsip_dtmf_info res_pjsip_rfc3326 res_pjsip_nat
res_rtp_asterisk chan_pjsip`
  .trim()
  .split(/\s+/);

/** Modules that insist on a file of their own, if only an empty one. */
const EMPTY = [
  "acl",
  "ccss",
  "dnsmgr",
  "enum",
  "extconfig",
  "features",
  "pjproject",
  "udptl",
  "websocket_client",
];

/** Settings of every SIP endpoint here: digits as RFC 4733 events. */
const ENDPOINT = "type = endpoint\ndisallow = all\nallow = ulaw,alaw\ndtmf_mode = rfc4733\ndirect_media = no";

/**
 * @param {Plan} plan
 * @returns {Record<string, string>} text by file name, for the folder `etc` of the instance
 */
export function configFiles(plan) {
  const { ariPort = 8088, sipPort = 5060, password } = plan;
  return {
    ...Object.fromEntries(EMPTY.map((name) => [`${name}.conf`, "[general]\n"])),
    "asterisk.conf": directories(plan),
    "modules.conf": `[modules]\nautoload = no\n${MODULES.map((name) => `load = ${name}.so\n`).join("")}`,
    // lines beyond the queue's limit are dropped, and with fifty robots 1,000 is soon reached: prompts are read here
    "logger.conf":
      "[general]\ndateformat = %F %T.%3q\nlogger_queue_limit = 200000\n[logfiles]\nconsole => notice,warning,error,verbose\n",
    "http.conf": `[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = ${ariPort}\nsessionlimit = 200\n`,
    "ari.conf": `[general]\nenabled = yes\n[knockline]\ntype = user\nread_only = no\npassword = ${password}\n`,
    "rtp.conf": "[general]\nrtpstart = 10000\nrtpend = 12000\nstrictrtp = yes\nicesupport = no\n",
    "cdr.conf": "[general]\nenable = no\n",
    "cel.conf": "[general]\nenable = no\n",
    "manager.conf": "[general]\nenabled = no\n",
    "stasis.conf": "[threadpool]\ninitial_size = 5\n",
    "indications.conf": "[general]\ncountry = us\n[us]\nringcadence = 2000,4000\ndial = 350+440\n",
    "pjsip.conf": pjsip(sipPort),
    "extensions.conf": DIALPLAN,
  };
}

/** @param {Plan} plan */
function directories({ tree, folder }) {
  const at = (/** @type {string} */ path) => join(folder, path);
  return `[directories]
astetcdir => ${at("etc")}
astmoddir => ${tree.modules}
astvarlibdir => ${at("lib")}
astdbdir => ${at("db")}
astkeydir => ${at("keys")}
astdatadir => ${tree.data}
astagidir => ${at("agi")}
astspooldir => ${at("spool")}
astrundir => ${at("run")}
astlogdir => ${at("log")}
[options]
verbose = 3
nocolor = yes
dontwarn = yes
documentation_language = en_US
; where the package keeps the English prompts
defaultlanguage = en_US_f_Allison
live_dangerously = no
; a tone of 50 ms counts as a key pressed
mindtmfduration = 20
`;
}

/**
 * 864 as an admin would write it, and callers. `internal` and `from-trunk` are where calls come in; a caller's own
 * leg runs `robot`: it keys whatever is put into the global variable KEYS_<its id>.
 */
const DIALPLAN = `[general]
static = yes
writeprotect = yes

[internal]
exten => 864,1,Stasis(knockline)
 same => n,GotoIf($["\${STASISSTATUS}" != "FAILED"]?done)
 same => n,Answer()
 same => n,Playback(im-sorry&please-try-call-later&vm-goodbye)
 same => n(done),Hangup()
; phones by their first two digits, as many as a test wants. 41: picks up, and keys what it is told to
exten => _41XX,1,Answer()
 same => n,Set(ROBOT=\${EXTEN})
 same => n,Goto(robot,s,1)
; 42 rings and rings, 43 is busy
exten => _42XX,1,Ringing()
 same => n,Wait(600)
exten => _43XX,1,Hangup(17)
; 44 is a mailbox: speaks, and then records what there is to hear; 45 picks up and hangs up
exten => _44XX,1,Answer()
 same => n,Playback(vm-intro)
 same => n,Wait(600)
exten => _45XX,1,Answer()
 same => n,Wait(0.5)
 same => n,Hangup()

; plays a recording, given with the call, and hangs up
exten => play,1,Answer()
 same => n,Playback(\${RECORDING})
 same => n,Hangup()

; calls from outside reach the same number
[from-trunk]
exten => 864,1,Goto(internal,864,1)

[robot]
exten => s,1,Set(KEYS=\${GLOBAL(KEYS_\${ROBOT})})
 same => n,GotoIf($["\${KEYS}" != ""]?press)
 same => n,Wait(0.1)
 same => n,Goto(s,1)
 same => n(press),Set(GLOBAL(KEYS_\${ROBOT})=)
 same => n,SendDTMF(\${KEYS},\${IF($["\${GAP}" = ""]?100:\${GAP})},\${IF($["\${TONE}" = ""]?100:\${TONE})})
 same => n,Goto(s,1)
`;

/**
 * This Asterisk calls itself over SIP: `outside-*` are the callers' ends, `phone` and `trunk` what they arrive as.
 * `phone` must log in and belongs to the context `internal`; `trunk` need not, and belongs to `from-trunk`.
 * @param {number} port
 */
function pjsip(port) {
  const caller = (/** @type {string} */ name) => `
[outside-${name}]
${ENDPOINT}
context = robot
from_user = ${name}
send_pai = yes
outbound_auth = ${name}-login
aors = outside-${name}
[outside-${name}]
type = aor
contact = sip:127.0.0.1:${port}
[${name}-login]
type = auth
auth_type = userpass
username = ${name}
password = not-a-secret
`;
  return `[global]
type = global
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:${port}
${caller("phone")}${caller("trunk")}
[phone]
${ENDPOINT}
context = internal
auth = phone-login
trust_id_inbound = yes
[trunk]
${ENDPOINT}
context = from-trunk
trust_id_inbound = yes
; an endpoint that anybody may call from, although its context is that of the phones
[anonymous]
${ENDPOINT}
context = internal
`;
}
