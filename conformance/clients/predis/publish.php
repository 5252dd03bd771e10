<?php
/* The consumer of subscriptions, commands, pipelines and transactions. */

require __DIR__ . '/common.php';

$redis = connect(['database' => 1]);
say('select', $redis->select(2), 'publish', $redis->publish('nobody', 'hears this'));

$consumer = connect()->pubSubLoop(['subscribe' => ['news', 'sport']]);
take($consumer, 2);
$consumer->psubscribe('n*', 'h[ae]llo');
take($consumer, 2);
$consumer->ping('still there');
take($consumer, 1);

$channels = $redis->pubsub('channels');
sort($channels);
say('channels', $channels, $redis->pubsub('channels', 'n*'));
say('numsub', $redis->pubsub('numsub', 'news', 'other'), 'numpat', $redis->pubsub('numpat'));

foreach ([['sport', 'one'], ['sport', ''], ['hallo', "a\r\n\0\x01"], ['hillo', 'elsewhere'], ['news', 'both']] as [$channel, $message]) {
    say('publish', $channel, $redis->publish($channel, $message));
}
take($consumer, 5);

$consumer->unsubscribe('news');
$consumer->punsubscribe('h[ae]llo');
take($consumer, 2);
say('publish', $redis->publish('news', 'pattern only'));
take($consumer, 1);

$receivers = $redis->pipeline(function ($pipe) {
    for ($i = 0; $i < 1000; $i++) {
        $pipe->publish('sport', (string) $i);
    }
});
for ($inOrder = 0; $inOrder < 1000 && $consumer->current()->payload === (string) $inOrder; $inOrder++) {
    $consumer->next();
}
say('receivers', array_sum($receivers), 'in order', $inOrder);
say('transaction', $redis->transaction()->publish('sport', 'x')->publish('other', 'y')->execute());
attempt('abort', fn () => $redis->transaction(function ($tx) {
    $tx->publish('sport', 'forgotten');
    throw new Predis\ClientException('given up');
}));
attempt('error', fn () => $redis->pubsub('nothing'));
take($consumer, 1);

// To stop is to unsubscribe from everything, and to read until it is confirmed.
$consumer->stop();
take($consumer, 2);
say('more', $consumer->valid(), 'ping', $consumer->getClient()->ping('after it'));
say('publish', $redis->publish('sport', 'late'));
