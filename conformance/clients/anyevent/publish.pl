# Subscribing with a callback for each channel and pattern; commands that are
# awaited, called back, and in a transaction.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use common;

my $redis = client();
say('select', result($redis->select(1)), 'publish', result($redis->publish('news', 'nobody hears this')));

my $subscriber = client();
my $news = $subscriber->subscribe('news', \&received);
$subscriber->psubscribe('n*', \&received);
my $sport = $subscriber->subscribe('sport', \&received);
subscribers($redis, 'sport', 1);
say('channels', [sort @{ result($redis->pubsub('channels')) }], result($redis->pubsub('channels', 's*')));
say('numsub', result($redis->pubsub('numsub', 'news', 'other')), 'numpat', result($redis->pubsub('numpat')));
say('publish', result($redis->publish(@$_)))
    for ['sport', 'one'], ['sport', ''], ['sport', "a\r\n\0\xff"], ['other', 'elsewhere'], ['news', 'both'];
say('message', $_) for take(5);

# The library checks by itself what may be sent while subscribed.
attempt('publish', sub { $subscriber->publish('news', 'x') });

$subscriber->unsubscribe('news');
$news->recv;
say('publish', result($redis->publish('news', 'pattern only')), take(1));

my $receivers = 0;
$redis->publish('sport', $_, sub { $receivers += $_[0] }) for 0 .. 999;
my @order = map { $_->[0] } take(1000);
$redis->multi;
my $queued = $redis->publish('sport', 'x');
say('exec', result($redis->exec), 'of which', result($queued), take(1));
say('receivers', $receivers, 'in order', "@order" eq join(' ', 0 .. 999) ? 'yes' : 'no');
attempt('error', sub { $redis->publish('sport') });
say('info', result($redis->info('server'))->{tcp_port} ? 'yes' : 'no');

$subscriber->punsubscribe('n*');
$subscriber->unsubscribe('sport');
$sport->recv;
subscribers($redis, 'sport', 0);
say('publish', result($redis->publish('sport', 'late')), 'quit', result($redis->quit));
