# A subscriber is told by a callback that its connection is lost; other clients
# notice with their next command, which fails. The one after it connects again. A
# subscription is made again by hand.
use strict;
use warnings;

use AnyEvent;
use FindBin;
use lib $FindBin::Bin;
use common;

my $redis = client();

# subscribe returns a subscriber and what tells that it is lost.
sub subscribe {
    my $lost = AE::cv;
    my $subscriber = client(on_cleanup => sub { $lost->send });
    $subscriber->subscribe('a', \&received);
    subscribers($redis, 'a', 1);
    return ($subscriber, $lost);
}

# notice publishes on a connection that is lost.
sub notice {
    die "not lost\n" if eval { result($redis->publish('a', 'lost')); 1 };
    say('lost');
}

my ($subscriber, $lost) = subscribe();
say('publish', result($redis->publish('a', 'before')), take(1));
say('killed', result($redis->client('KILL', 'TYPE', 'pubsub')));
$lost->recv;
($subscriber, $lost) = subscribe();
say('killed', result(client()->client('KILL', 'TYPE', 'normal')));
notice();
say('publish', result($redis->publish('a', 'after the kill')), take(1));

say('ready-for-restart');
<STDIN>;
$lost->recv;
notice();
($subscriber, $lost) = subscribe();
say('publish', result($redis->publish('a', 'after the restart')), take(1));
