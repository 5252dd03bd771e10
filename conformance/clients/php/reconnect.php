<?php
/* Commands reconnect by themselves; a subscription ends with an exception and
 * is made again. */

require __DIR__ . '/common.php';

/* keep_listening subscribes until a message says to stop, and says when the
 * subscription is lost. */
function keep_listening(): void
{
    $lost = false;
    for ($running = true; $running; usleep(PAUSE)) {
        try {
            listen(connect(), 'subscribe', ['a'], function (string $channel, string $message) use (&$running, &$lost) {
                say('message', $message);
                $lost = false;
                if ($message === 'now restart') {
                    say('ready-for-restart');
                    fgets(STDIN);
                }
                return $running = $message !== 'stop';
            });
        } catch (RedisException) {
            if (!$lost) {
                say('lost');
            }
            $lost = true;
        }
    }
}

$report = beside(function () {
    $redis = connect();
    $redis->setOption(Redis::OPT_MAX_RETRIES, 50);
    until_subscribers($redis, 'a', 1);
    $counts = [$redis->publish('a', 'before')];
    $counts[] = $redis->rawCommand('CLIENT', 'KILL', 'TYPE', 'pubsub');
    until_subscribers($redis, 'a', 1);
    connect()->rawCommand('CLIENT', 'KILL', 'TYPE', 'normal');
    $counts[] = $redis->publish('a', 'after the kill');

    $first = $redis->info('server')['run_id'];
    $counts[] = $redis->publish('a', 'now restart');
    // A client that found no server is of no more use.
    until('another server', function () use (&$redis, $first) {
        try {
            $redis = connect();
            return $redis->info('server')['run_id'] !== $first;
        } catch (RedisException) {
            return false;
        }
    });
    until_subscribers($redis, 'a', 1);
    $counts[] = $redis->publish('a', 'after the restart');
    $counts[] = $redis->publish('a', 'stop');
    return $counts;
});
keep_listening();
$report();
