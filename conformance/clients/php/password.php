<?php
/* Logging in. */

require __DIR__ . '/common.php';

const RIGHT = 'correct horse';

$report = beside(function () {
    $redis = connect();
    $redis->auth(['user' => 'default', 'pass' => RIGHT]);
    until_subscribers($redis, 'a', 1);
    return [$redis->publish('a', 'secret')];
});
$redis = connect();
attempt('no password', fn () => $redis->publish('a', 'x'));
attempt('wrong password', fn () => $redis->auth('wrong'));
attempt('unknown user', fn () => $redis->auth(['nobody', RIGHT]));
say('password', $redis->auth(RIGHT));
say('user and password', $redis->auth(['default', RIGHT]));
say('publish', $redis->publish('b', 'x'));
attempt('wrong password later', fn () => $redis->auth('wrong'));
say('publish', $redis->publish('b', 'x'));

listen($redis, 'subscribe', ['a'], function (string $channel, string $message) {
    say('message', $message);
    return false;
});
$report();
