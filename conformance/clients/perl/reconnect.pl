# Clients that were told so reconnect, and subscribe again.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use common;

my @reconnect = (reconnect => 20, every => 5_000);
my $redis = client(@reconnect);
my $subscriber = client(@reconnect, on_connect => sub { say('connected') });
my $received = sub { say('message', @_) };
$subscriber->subscribe('a', $received);
$subscriber->psubscribe('p*', $received);

sub flow {
    # The library notices the loss when it waits, and has its subscriptions
    # back before it goes on.
    $subscriber->wait_for_messages(0.02);
    say('publish', $redis->publish('a', $_[0]), $redis->publish('pa', $_[0]));
    take($subscriber, 2);
}

flow('before');
say('killed', client()->client_kill('TYPE', 'pubsub'));
flow('after the kill');
say('killed', client()->client_kill('TYPE', 'normal'));
flow('after another');

say('ready-for-restart');
<STDIN>;
flow('after the restart');
