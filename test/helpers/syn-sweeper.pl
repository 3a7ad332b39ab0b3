# Sends one SYN to each port of a list, in its order: a scanner in a hurry, which Node cannot be, for it has no raw
# sockets. Arguments: address, source address, packets a second; the ports on stdin, a line. Says how long it took.
use strict;
use warnings;
use Socket qw(AF_INET AF_INET6 SOCK_RAW inet_pton pack_sockaddr_in pack_sockaddr_in6);
use Time::HiRes qw(time sleep);

my ($address, $from, $rate) = @ARGV;
my @ports = split / /, <STDIN>;
my $family = $address =~ /:/ ? AF_INET6 : AF_INET;
my ($to, $source) = map { inet_pton($family, $_) } $address, $from;
my $TCP = 6;

sub at { my ($ip, $port) = @_; $family == AF_INET6 ? pack_sockaddr_in6($port, $ip) : pack_sockaddr_in($port, $ip) }

# The checksum (RFC 9293, 3.1) over pseudo header and segment, as a sum of words without the destination port.
my $length = 20;
my @words = unpack 'n*', $source . $to;
my ($sport, $flags, $window) = (40_000, 0x5002, 65_535);
my $sum = $TCP + $length + $sport + $flags + $window;
$sum += $_ for @words;

sub segment {
    my ($port) = @_;
    my $check = $sum + $port;
    $check = ($check & 0xffff) + ($check >> 16) while $check > 0xffff;
    return pack 'nnNNnnnn', $sport, $port, 0, 0, $flags, $window, 0xffff - $check, 0;
}

socket my $socket, $family, SOCK_RAW, $TCP or die "socket: $!\n";
bind $socket, at($source, 0) or die "bind: $!\n";
my $start = time;
my $n = 0;
for my $port (@ports) {
    my $early = $start + $n++ / $rate - time;
    sleep $early if $early > 0.001;
    # the address of a raw IPv6 socket takes no port
    send $socket, segment($port), 0, at($to, 0) or die "send: $!\n";
}
printf '{"sent":%d,"ms":%d}', $n, (time - $start) * 1000;
