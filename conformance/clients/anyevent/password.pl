# Logging in.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use common;

my $right = 'correct horse';

my $redis = client();
attempt('no password', sub { $redis->publish('a', 'x') });
attempt('wrong password', sub { $redis->auth('wrong') });
attempt('unknown user', sub { $redis->auth('nobody', $right) });
say('user and password', result($redis->auth('default', $right)));
attempt('wrong password later', sub { $redis->auth('wrong') });

my $subscriber = client();
say('password', result($subscriber->auth($right)));
$subscriber->subscribe('a', \&received);
subscribers($redis, 'a', 1);
say('publish', result($redis->publish('a', 'secret')), take(1));
