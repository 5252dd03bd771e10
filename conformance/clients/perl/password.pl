# Logging in.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use common;

my $right = 'correct horse';

attempt('no password', sub { client()->publish('a', 'x') });
attempt('wrong password', sub { client(password => 'wrong') });
attempt('unknown user', sub { client(username => 'nobody', password => $right) });
my $redis = client(username => 'default', password => $right, name => 'someone');
say('name', $redis->client_getname);
attempt('wrong password later', sub { $redis->auth('wrong') });

my $subscriber = client(password => $right);
$subscriber->subscribe('a', sub { say('message', @_) });
say('publish', $redis->publish('a', 'secret'));
take($subscriber, 1);
