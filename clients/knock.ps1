<#
.SYNOPSIS
Knocks as @USER@ at @SERVER@ and tells whether the door opened, for this machine's address only.
.DESCRIPTION
The secret ports are in this file: keep it to yourself. Needs Windows PowerShell 5 or PowerShell 7, nothing else.
Made by: knockctl user client @USER@ --format ps1    (after "user rotate": make it anew)
Asked for a code of an authenticator app, it asks on the console, or runs the command in KNOCK_OTP_CMD.
Exit code: 0 open (or sent, where that cannot be checked), 1 not open, 2 wrong usage.
.PARAMETER HostName
Where to knock, instead of the host this file was made for; KNOCK_HOST in the environment does the same.
.PARAMETER Then
A script block that is run when the door is open.
.PARAMETER Quiet
Say nothing when all is well.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File knock.ps1
.EXAMPLE
.\knock.ps1 -IPv4 -Then { ssh ann@pbx.example.com }
#>
param(
    [Parameter(Position = 0)] [string] $HostName = '',
    [switch] $IPv4,
    [switch] $IPv6,
    [switch] $Quiet,
    [switch] $Version,
    [scriptblock] $Then
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

# ---- filled in by knockctl -----------------------------------------------------------------------------
$MadeFor = '@HOST@'       # where to knock
$Server = '@SERVER@'      # the server's own name, for -Version
$User = '@USER@'
$Steps = '@STEPS@'        # PROTO/PORT in the order to knock
$Probe = '@PROBE@'        # TCP port that shows whether the door is open; empty: nothing to look at
$Services = '@SERVICES@'  # what opens
$Proof = '@PROOF@'        # otp: the last step carries a code of the authenticator app
$Approval = '@APPROVAL@'  # phone: the user calls after the knock; call: the PBX calls him; none: it opens
$Dial = '@EXTENSION@'     # what to dial then
$Pending = '@PENDING@'    # seconds that the knock waits for the call
# --------------------------------------------------------------------------------------------------------

function Stop-Knock([int] $Code, [string] $Message) {
    [Console]::Error.WriteLine("knock: $Message")
    exit $Code
}

function Write-Result([string] $Message) {
    if (-not $Quiet) { [Console]::Out.WriteLine($Message) }
}

# What any step but the last carries: one byte, any will do.
function Get-Filler { return [byte] 0 }

# What the last step carries: whichever there is of the authenticator's code and the caller's; else anything.
# The same in every try of one run: a repeat is not a replay.
function Get-Payload {
    $text = "$Otp $Code".Trim()
    if ($text) { return [Text.Encoding]::ASCII.GetBytes($text) }
    return Get-Filler
}

# ---- codes ---------------------------------------------------------------------------------------------

function Read-Otp {
    if ($env:KNOCK_OTP_CMD) {
        # run by the system's own shell, as bash does elsewhere
        $text = if ($env:ComSpec) { & $env:ComSpec /d /c $env:KNOCK_OTP_CMD } else { & sh -c $env:KNOCK_OTP_CMD }
        $text = "$text" -replace '\s', ''
        if ($text -notmatch '^[0-9]{6}$') {
            Stop-Knock 1 'the command in KNOCK_OTP_CMD did not print a code of 6 digits'
        }
        return $text
    }
    if ($Quiet -or [Console]::IsInputRedirected) {
        Stop-Knock 2 ('a code of the authenticator app is needed, and nobody to ask: ' +
            'let a command in KNOCK_OTP_CMD print it')
    }
    for ($try = 1; $try -le 3; $try++) {
        $text = (Read-Host "Code of the authenticator app for $User at $Target") -replace '\s', ''
        if ($text -match '^[0-9]{6}$') { return $text }
        [Console]::Error.WriteLine('that is not 6 digits')
    }
    Stop-Knock 1 'no code of 6 digits was given'
}

# Six digits from the system's generator.
function New-Code {
    $bytes = New-Object byte[] 4
    $generator = [Security.Cryptography.RandomNumberGenerator]::Create()
    try { $generator.GetBytes($bytes) } finally { $generator.Dispose() }
    return ([BitConverter]::ToUInt32($bytes, 0) % 1000000).ToString('000000')
}

# ---- addresses -----------------------------------------------------------------------------------------

function Test-Family($Candidate) {
    if ($IPv4) { return $Candidate.AddressFamily -eq 'InterNetwork' }
    if ($IPv6) { return $Candidate.AddressFamily -eq 'InterNetworkV6' }
    return $true
}

# Connecting a datagram socket asks for a route and sends nothing.
function Test-Route($Candidate) {
    $udp = New-Object System.Net.Sockets.UdpClient($Candidate.AddressFamily)
    try { $udp.Connect($Candidate, 9); return $true } catch { return $false } finally { $udp.Close() }
}

# One address for all steps and probes: a grant is for one address, and the server sees each family apart.
function Find-Address([string] $Name) {
    try { $all = @([System.Net.Dns]::GetHostAddresses($Name)) } catch { $all = @() }
    $fitting = @($all | Where-Object { Test-Family $_ })
    if ($fitting.Count -eq 0) {
        Stop-Knock 1 "no fitting address found for ${Name}: is the name right, and this machine online?"
    }
    foreach ($candidate in $fitting) { if (Test-Route $candidate) { return $candidate } }
    Stop-Knock 1 "no way to ${Name}: is this machine online?"
}

# ---- knocking ------------------------------------------------------------------------------------------

function Start-Connect([int] $Port) {
    $client = New-Object System.Net.Sockets.TcpClient($Address.AddressFamily)
    return @{ Client = $client; Result = $client.BeginConnect($Address, $Port, $null, $null) }
}

function Send-Udp([int] $Port, [byte[]] $Content) {
    $udp = New-Object System.Net.Sockets.UdpClient($Address.AddressFamily)
    try {
        $udp.Connect($Address, $Port)
        [void] $udp.Send($Content, $Content.Length)
    } catch {
        Stop-Knock 1 "cannot send to ${Address}: does a firewall on this machine forbid it?"
    } finally { $udp.Close() }
}

# One SYN: gone in a few ms, and sent again only half a second later at the earliest.
function Send-Tcp([int] $Port) {
    $attempt = Start-Connect $Port
    Start-Sleep -Milliseconds 100
    $attempt.Client.Close()
}

# $Gap: milliseconds between steps, lest the network swaps two.
function Send-Knock([int] $Gap) {
    $list = $Steps.Split(' ')
    for ($n = 0; $n -lt $list.Length; $n++) {
        $last = $n -eq $list.Length - 1
        $proto, $port = $list[$n].Split('/')
        if ($last) { $content = Get-Payload } else { $content = Get-Filler }
        if ($proto -eq 'udp') { Send-Udp $port $content } else { Send-Tcp $port }
        if (-not $last) { Start-Sleep -Milliseconds $Gap }
    }
}

# ---- looking whether the door is open ------------------------------------------------------------------

function Test-Connected($Attempt) { return $Attempt.Result.IsCompleted -and $Attempt.Client.Connected }

function Close-All($Attempts) { foreach ($attempt in $Attempts) { $attempt.Client.Close() } }

# Watches for 1.5 s. A lost first packet is sent again only after a second, so fresh probes join the running ones.
# $Early was started before the first knock: it connects only if the door was open already. It counts for 0.4 s:
# Windows sends it again half a second after a refusal, and would find the door that we opened.
function Watch-Door($Early) {
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    $attempts = @()
    try {
        while ($watch.ElapsedMilliseconds -lt 1500) {
            if ($Early -and $watch.ElapsedMilliseconds -lt 400 -and (Test-Connected $Early)) { return 'already' }
            if ($attempts.Count -lt 5 -and $watch.ElapsedMilliseconds -ge @(0, 30, 150, 400, 900)[$attempts.Count]) {
                $attempts += Start-Connect $Probe
            }
            foreach ($attempt in $attempts) {
                if (Test-Connected $attempt) { return "$($watch.ElapsedMilliseconds) ms" }
            }
            Start-Sleep -Milliseconds 5
        }
        return ''
    } finally { Close-All $attempts }
}

function Invoke-Knock {
    $early = Start-Connect $Probe
    try {
        for ($try = 1; $try -le 3; $try++) {
            Send-Knock -Gap (@(20, 100, 400)[$try - 1])
            $seen = Watch-Door $early
            if ($seen -eq 'already') {
                Write-Result "$Target ($Address): was open already; knocked again to renew it"
                return
            }
            if ($seen) {
                Write-Result "$Target ($Address): open after $seen (knock $try)"
                return
            }
            $early.Client.Close()
            $early = $null
        }
    } finally { if ($early) { $early.Client.Close() } }
    $cure = "the admin sees why with: knockctl watch $User"
    Stop-Knock 1 "$Target ($Address): not open after 3 knocks; tcp/$Probe does not answer; $cure"
}

# ---- with an approval by phone -------------------------------------------------------------------------

# Said also with -Quiet: without it nobody knows what to do.
function Write-Call {
    if ($Approval -eq 'phone') { [Console]::Out.WriteLine("Dial $Dial and key $Code") }
    else { [Console]::Out.WriteLine("Your phone will ring; the code it speaks must be $Code") }
}

# A fresh probe every two seconds, for as long as the request lives.
function Wait-Approval {
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    while ($watch.Elapsed.TotalSeconds -lt [int] $Pending) {
        $attempt = Start-Connect $Probe
        try {
            for ($look = 1; $look -le 4; $look++) {
                Start-Sleep -Milliseconds 500
                if (Test-Connected $attempt) {
                    Write-Result "$Target ($Address): open after $([int] $watch.Elapsed.TotalSeconds) s"
                    return
                }
            }
        } finally { $attempt.Client.Close() }
    }
    Stop-Knock 1 "$Target ($Address): not open after $Pending s: the request is over; knock again for a new code"
}

# Knocks three times, for nothing shows whether one was lost; the server takes them as one request. All before anybody
# is told what to dial: a knock after the answer would be a new request.
function Invoke-Request {
    $early = $null
    $open = $false
    if ($Probe) { $early = Start-Connect $Probe }
    try {
        foreach ($gap in 20, 100, 400) {
            Send-Knock -Gap $gap
            Start-Sleep -Milliseconds 300
            if ($early -and (Test-Connected $early)) { $open = $true }
        }
    } finally { if ($early) { $early.Client.Close() } }
    Write-Call
    if (-not $Probe) { Write-Result "$Target ($Address): sent; cannot see the door (only UDP services)" }
    elseif ($open) { Write-Result "$Target ($Address): was open already; the call renews it" }
    else { Wait-Approval }
}

# ---- the command line ----------------------------------------------------------------------------------

if ($Version) { Write-Output "knockline client 1 for $User at $Server ($Services)"; exit 0 }
if ($IPv4 -and $IPv6) { Stop-Knock 2 'either -IPv4 or -IPv6, please' }
$Target = $MadeFor
if ($env:KNOCK_HOST) { $Target = $env:KNOCK_HOST }
if ($HostName) { $Target = $HostName }
if ($Target -notmatch '^[A-Za-z0-9_:][A-Za-z0-9.:_-]*$') { Stop-Knock 2 "not a host name or address: $Target" }

$Address = Find-Address $Target
$Otp = ''
$Code = ''
if ($Proof -eq 'otp') { $Otp = Read-Otp }
if ($Approval -ne 'none') {
    $Code = New-Code
    Invoke-Request
} elseif ($Probe) {
    Invoke-Knock
} else {
    Send-Knock -Gap 20
    Write-Result "$Target ($Address): sent; cannot be checked (only UDP services)"
}
if ($Then) {
    # a command's exit code, if the block ran one, is ours
    $global:LASTEXITCODE = 0
    & $Then
    exit $LASTEXITCODE
}
exit 0
