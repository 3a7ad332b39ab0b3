import type { Settings } from "../../shared/settings/settings.ts";

type Phone = Settings["phone"];

/** A piece of Asterisk's settings. */
export interface Snippet {
  readonly pbx: "asterisk" | "freepbx";
  /** Below /etc/asterisk. */
  readonly file: string;
  /** What to do with it. */
  readonly note: string;
  readonly text: string;
}

/** The call itself; a caller hears so when phone-auth is not there. */
const callText = ({ app }: Phone): string => `[${app}]
exten => s,1,Stasis(${app})
 same => n,GotoIf($["\${STASISSTATUS}" = "FAILED"]?away)
 same => n,Hangup()
 same => n(away),Answer()
 same => n,Playback(im-sorry&please-try-call-later&vm-goodbye)
 same => n,Hangup()`;

/** The extension, and the same as a feature code, which no dialling rule takes for an outside number. */
const extensionText = ({ app, extension }: Phone, context: string): string => `[${context}]
exten => ${extension},1,Goto(${app},s,1)
exten => *${extension},1,Goto(${app},s,1)`;

const ariUser = ({ username }: Phone): string => `[${username}]
type = user
read_only = no
password = THE-PASSWORD       ; the same in knockline's ari.secret`;

const ARI_NOTE = "a long random password: whoever has it hears every PIN";

function httpText(phone: Phone): string {
  const { port } = new URL(phone.url);
  return `[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = ${port === "" ? "8088" : port}
sessionlimit = 100`;
}

function plain(phone: Phone, did: string): Snippet[] {
  const outside = `; the number that travellers call, in the context of your trunk. It comes first: a softphone
; outside is shut out until the door opens
[from-trunk]
exten => ${did},1,Goto(${phone.app},s,1)`;
  const text = [callText(phone), outside, extensionText(phone, phone.context)].join("\n\n");
  const pbx = "asterisk" as const;
  return [
    { pbx, file: "extensions.conf", note: 'then: asterisk -rx "dialplan reload"', text },
    { pbx, file: "http.conf", note: "then restart Asterisk", text: httpText(phone) },
    { pbx, file: "ari.conf", note: ARI_NOTE, text: `[general]\nenabled = yes\n\n${ariUser(phone)}` },
  ];
}

function freepbx(phone: Phone, did: string): Snippet[] {
  const outside = `; the number that travellers call comes first: a softphone outside is shut out until the door opens.
; In the GUI: Admin, Custom Destinations: ${phone.app},s,1. Then Connectivity, Inbound Routes: DID ${did}
; to that destination, with call recording set to Never`;
  const text = [callText(phone), outside, extensionText(phone, `${phone.context}-custom`)].join("\n\n");
  const pbx = "freepbx" as const;
  const gui = `; Settings, Advanced Settings, Asterisk Builtin mini-HTTP server:
;   Enable the mini-HTTP Server: Yes      HTTP Bind Address: 127.0.0.1      HTTP Session Limit: 100
; Asterisk REST Interface: Enable: Yes    then Apply Config`;
  return [
    { pbx, file: "extensions_custom.conf", note: "then: fwconsole reload", text },
    { pbx, file: "http.conf", note: "made by the GUI: do not edit it", text: gui },
    { pbx, file: "ari_additional_custom.conf", note: ARI_NOTE, text: ariUser(phone) },
  ];
}

/**
 * What to put into Asterisk's settings.
 * @param did the outside number that travellers call
 */
export function snippetsFor(pbx: Snippet["pbx"], phone: Phone, did: string): Snippet[] {
  return pbx === "asterisk" ? plain(phone, did) : freepbx(phone, did);
}

/** A snippet as it is printed: comments of Asterisk's own around it, so that it may be pasted whole. */
export function snippetText({ pbx, file, note, text }: Snippet): string {
  const name = pbx === "asterisk" ? "Asterisk" : "FreePBX, Incredible PBX";
  return `; ---- ${name}: /etc/asterisk/${file} (${note})\n${text}`;
}
