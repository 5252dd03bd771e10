<?php
/* Subscribing blocks and calls back with each message. */

require __DIR__ . '/common.php';

$report = beside(function () {
    $redis = connect();
    until_subscribers($redis, 'sport', 1);
    $channels = $redis->pubsub('channels');
    sort($channels);
    return [
        $channels,
        $redis->pubsub('channels', 'n*'),
        $redis->pubsub('numsub', ['news', 'other']),
        $redis->pubsub('numpat'),
        $redis->publish('news', 'one'),
        $redis->publish('news', ''),
        $redis->publish('sport', "a\r\n\0\x01"),
        $redis->publish('other', 'elsewhere'),
        $redis->publish('news', 'stop'),
    ];
});

$redis = connect();
say('select', $redis->select(1), 'publish', $redis->publish('nobody', 'hears this'));
listen($redis, 'subscribe', ['news', 'sport'], function (string $channel, string $message) {
    say('message', $channel, json_encode($message));
    return $message !== 'stop';
});
$report();
say('ping', $redis->ping('after subscribing'));
say('publish', $redis->publish('news', 'late'));
