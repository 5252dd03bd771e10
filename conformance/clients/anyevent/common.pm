# What the programs in this folder share.
#
# A program is started as `program.pl NETWORK ADDRESS`. It prints what a user of
# AnyEvent::Redis would see, in an order that does not depend on timing, and
# exits with a nonzero status when something does not happen. The Go test beside
# this folder compares the output with the recorded one.
package common;

use strict;
use warnings;

use AnyEvent;
use AnyEvent::Redis;
use Exporter 'import';
use JSON::PP;

our @EXPORT = qw(client say result attempt received take subscribers);

# Bounds every wait, in seconds. It only turns a hang into a failure.
use constant WAIT => 20;

# How long a poll rests between two looks, in seconds.
use constant PAUSE => 0.005;

$| = 1;
my $bound = AE::timer(WAIT, 0, sub { print STDERR "nothing happens\n"; exit 1 });

# client returns a client of the server under test.
sub client {
    my (%options) = @_;
    my ($network, $address) = @ARGV;
    my ($host, $port) = $network eq 'unix' ? ('unix/', $address) : split /:/, $address;
    return AnyEvent::Redis->new(host => $host, port => $port, on_error => sub { }, %options);
}

# say prints one line; what is no text, as JSON.
sub say {
    my $json = JSON::PP->new->ascii->canonical->allow_nonref;
    print join(' ', map { ref $_ ? $json->encode($_) : $_ // 'undef' } @_), "\n";
}

# result waits for what a command returns.
sub result { return scalar $_[0]->recv }

# attempt prints the error that a command, or its sending, ends with.
sub attempt {
    my ($what, $code) = @_;
    die "$what went well\n" if eval { result($code->()); 1 };
    my ($error) = split / at |\n/, $@;
    say($what, $error);
}

my @received;
my $more = AE::cv;

# received is the callback of subscriptions.
sub received {
    push @received, [@_];
    $more->send;
}

# take waits for n messages and returns them.
sub take {
    my ($n) = @_;
    while (@received < $n) {
        $more->recv;
        $more = AE::cv;
    }
    return splice @received, 0, $n;
}

# subscribers waits until the server counts n subscribers of the channel.
sub subscribers {
    my ($redis, $channel, $n) = @_;
    while (result($redis->pubsub('numsub', $channel))->[1] != $n) {
        my $pause = AE::cv;
        my $timer = AE::timer(PAUSE, 0, $pause);
        $pause->recv;
    }
}

1;
