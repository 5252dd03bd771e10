<?php
/* Pipelines and transactions. */

require __DIR__ . '/common.php';

$report = beside(function () {
    $redis = connect();
    until_subscribers($redis, 'a', 1);
    $pipeline = $redis->pipeline();
    for ($i = 0; $i < 1000; $i++) {
        $pipeline->publish('a', (string) $i);
    }
    $receivers = array_sum($pipeline->exec());
    $transaction = $redis->multi()->publish('a', 'x')->publish('b', 'y')->exec();
    $redis->multi()->publish('a', 'forgotten');
    return [$receivers, $transaction, $redis->discard(), $redis->publish('a', 'stop')];
});
$expected = 0;
listen(connect(), 'subscribe', ['a'], function (string $channel, string $message) use (&$expected) {
    if ($message === (string) $expected) {
        $expected++;
        return true;
    }
    say('after', $expected, 'in order', $message);
    return $message !== 'stop';
});
$report();
