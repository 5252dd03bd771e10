<?php
/* A lost connection is an error. A client connects again for its next command,
 * a subscription is made again by hand. */

require __DIR__ . '/common.php';

function subscribed(): Predis\PubSub\Consumer
{
    $consumer = connect()->pubSubLoop(['psubscribe' => 'a*']);
    take($consumer, 1);
    return $consumer;
}

$redis = connect();
$consumer = subscribed();
say('publish', $redis->publish('a', 'before'));
take($consumer, 1);
say('killed', $redis->client('KILL', 'TYPE', 'pubsub'));
attempt('receiving', fn () => $consumer->current());
$consumer = subscribed();
say('killed', connect()->client('KILL', 'TYPE', 'normal'));
attempt('publish', fn () => $redis->publish('a', 'lost'));
say('publish', $redis->publish('a', 'after the kill'));
take($consumer, 1);

say('ready-for-restart');
fgets(STDIN);
attempt('receiving', fn () => $consumer->current());
attempt('publish', fn () => $redis->publish('a', 'lost'));
$consumer = subscribed();
say('publish', $redis->publish('a', 'after the restart'));
take($consumer, 1);
