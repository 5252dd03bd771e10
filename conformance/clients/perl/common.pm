# What the programs in this folder share.
#
# A program is started as `program.pl NETWORK ADDRESS`. It prints what a user of
# the module Redis would see, in an order that does not depend on timing, and
# exits with a nonzero status when something does not happen. The Go test beside
# this folder compares the output with the recorded one.
package common;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use Redis;

our @EXPORT = qw(client say attempt take);

# Bounds every wait, in seconds. It only turns a hang into a failure.
use constant WAIT => 20;

# How long the library waits for one more message before it returns, in seconds.
use constant IDLE => 0.02;

$| = 1;

# client returns a client of the server under test.
sub client {
    my (%options) = @_;
    my ($network, $address) = @ARGV;
    my @server = $network eq 'unix' ? (sock => $address) : (server => $address);
    return Redis->new(@server, cnx_timeout => WAIT, read_timeout => WAIT, %options);
}

# say prints one line; what is no text, as JSON.
sub say {
    my $json = JSON::PP->new->ascii->canonical->allow_nonref;
    print join(' ', map { ref $_ ? $json->encode($_) : $_ // 'undef' } @_), "\n";
}

# attempt prints the error that the code ends with.
sub attempt {
    my ($what, $code) = @_;
    die "$what went well\n" if eval { $code->(); 1 };
    my ($error) = split / at |, /, $@;
    say($what, $error);
}

# take waits until n messages have been handled.
sub take {
    my ($subscriber, $n) = @_;
    my $deadline = time + WAIT;
    while ($n > 0) {
        $n -= $subscriber->wait_for_messages(IDLE);
        die "no messages\n" if time > $deadline;
    }
}

1;
