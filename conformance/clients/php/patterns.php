<?php
/* Patterns, and an application that publishes from its callback. */

require __DIR__ . '/common.php';

$report = beside(function () {
    $redis = connect();
    until('patterns', fn () => $redis->pubsub('numpat') == 2);
    return [
        $redis->publish('user.1', 'login'),
        $redis->publish('hallo', 'a'),
        $redis->publish('hillo', 'nobody'),
        $redis->publish('user.2', 'stop'),
    ];
});
$redis = connect();
$other = connect();
listen($redis, 'psubscribe', ['user.*', 'h[ae]llo'], function (string $pattern, string $channel, string $message) use ($other) {
    say('pmessage', $pattern, $channel, $message, $other->publish('elsewhere', $message));
    return $message !== 'stop';
});
$report();
say('patterns', $redis->pubsub('numpat'));
