# Subscribing with a callback for each channel and pattern.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use common;

my $redis = client();
say('select', $redis->select(1), 'publish', $redis->publish('news', 'nobody hears this'));

my $subscriber = client(name => 'listener');
my $channel = sub { my ($message, $topic, $subscribed) = @_; say('channel', [$message, $topic, $subscribed]) };
my $pattern = sub { my ($message, $topic, $subscribed) = @_; say('pattern', [$message, $topic, $subscribed]) };
$subscriber->subscribe('news', 'sport', $channel);
$subscriber->psubscribe('n*', '[qz]', $pattern);
say('subscriptions', $subscriber->is_subscriber);

say('channels', [sort $redis->pubsub('channels')], [$redis->pubsub('channels', 's*')]);
say('numsub', [$redis->pubsub('numsub', 'news', 'other')], 'numpat', $redis->pubsub('numpat'));
say('publish', $redis->publish(@$_)) for ['sport', 'one'], ['q', ''], ['z', "a\r\n\0\xff"], ['other', 'x'];
take($subscriber, 3);
say('publish', $redis->publish('news', 'both'));
take($subscriber, 2);

# The library checks by itself what may be sent while subscribed.
attempt('publish', sub { $subscriber->publish('news', 'x') });

$subscriber->unsubscribe('news', $channel);
say('subscriptions', $subscriber->is_subscriber, 'publish', $redis->publish('news', 'pattern only'));
take($subscriber, 1);
$subscriber->punsubscribe('n*', '[qz]', $pattern);
$subscriber->unsubscribe('sport', $channel);
say('subscriptions', $subscriber->is_subscriber, 'ping', $subscriber->ping);
say('publish', $redis->publish('news', 'late'));
say('quit', $subscriber->quit);
