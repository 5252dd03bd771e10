# Pipelines by callbacks, and transactions.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use common;

my ($redis, $subscriber) = (client(), client());
my @messages;
$subscriber->subscribe('a', sub { push @messages, $_[0] });

my $receivers = 0;
$redis->publish('a', $_, sub { $receivers += $_[0] }) for 0 .. 999;
$redis->wait_all_responses;
take($subscriber, 1000);
say('receivers', $receivers, 'in order', "@messages" eq join(' ', 0 .. 999) ? 'yes' : 'no');

say('multi', $redis->multi);
say('publish', $redis->publish('a', 'x'));
say('publish', $redis->publish('b', 'y'));
say('exec', [$redis->exec]);
$redis->multi;
attempt('publish', sub { $redis->publish('a') });
attempt('exec', sub { $redis->exec });
$redis->multi;
$redis->publish('a', 'forgotten');
say('discard', $redis->discard);
say('publish', $redis->publish('a', 'last'));
take($subscriber, 2);
say(@messages[1000 .. $#messages]);
