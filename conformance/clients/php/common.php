<?php
/* What the programs in this folder share.
 *
 * A program is started as `program.php NETWORK ADDRESS [AUTHORITY]`. It prints
 * what a user of phpredis would see, in an order that does not depend on timing,
 * and exits with a nonzero status when something does not happen. The Go test
 * beside this folder compares the output with the recorded one. */

declare(strict_types=1);

/* Bounds every wait, in seconds. It only turns a hang into a failure. */
const WAIT = 20;

/* How long a poll rests between two looks, in microseconds. */
const PAUSE = 5000;

set_error_handler(function (int $level, string $message) {
    throw new ErrorException($message, 0, $level);
});

/* connect returns a client of the server under test. */
function connect(): Redis
{
    global $argv;
    [, $network, $address] = $argv;
    $redis = new Redis();
    if ($network === 'unix') {
        $redis->connect($address, 0, WAIT, null, 0, WAIT);
        return $redis;
    }
    [$host, $port] = explode(':', $address);
    $context = [];
    if ($network === 'tls') {
        $host = "tls://$host";
        $context = ['stream' => ['cafile' => $argv[3]]];
    }
    $redis->connect($host, (int) $port, WAIT, null, 0, WAIT, $context);
    return $redis;
}

/* say prints one line; what is no text, as JSON. */
function say(mixed ...$fields): void
{
    $text = fn ($field) => is_string($field) ? $field : json_encode($field, JSON_UNESCAPED_SLASHES);
    echo implode(' ', array_map($text, $fields)), "\n";
}

/* attempt prints the error that f ends with. */
function attempt(string $what, callable $f): void
{
    try {
        $f();
    } catch (RedisException $e) {
        say($what, $e->getMessage());
        return;
    }
    throw new Exception("$what went well");
}

/* until waits until f returns something true. */
function until(string $what, callable $f): void
{
    for ($deadline = microtime(true) + WAIT; !$f(); usleep(PAUSE)) {
        if (microtime(true) > $deadline) {
            throw new Exception("waited for $what");
        }
    }
}

function until_subscribers(Redis $redis, string $channel, int $n): void
{
    until("$n subscribers of $channel", fn () => $redis->pubsub('numsub', [$channel])[$channel] == $n);
}

/* listen subscribes, in the way of $kind, and calls back with what each message
 * has, until that returns false. The library's subscribe goes on after the last
 * confirmation, so the way out of it is to close the connection, which must not
 * be made anew for it. */
function listen(Redis $redis, string $kind, array $names, callable $message): void
{
    $redis->setOption(Redis::OPT_MAX_RETRIES, 0);
    $stopped = false;
    try {
        $redis->$kind($names, function (Redis $redis, string ...$fields) use ($kind, $names, $message, &$stopped) {
            if ($message(...$fields) === false) {
                $unsubscribe = str_replace('sub', 'unsub', $kind);
                say($unsubscribe, $redis->$unsubscribe($names));
                $stopped = true;
                $redis->close();
            }
        });
    } catch (RedisException $e) {
        if (!$stopped) {
            throw $e;
        }
    }
}

/* beside runs f in another process, because to subscribe blocks. Call it before
 * there are connections, which two processes cannot share. The function returned
 * waits for its end and prints the lines that f returns. */
function beside(callable $f): callable
{
    $pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    $pid = pcntl_fork();
    if ($pid === 0) {
        fwrite($pair[1], implode("\n", array_map('json_encode', $f())));
        fclose($pair[1]);
        fclose($pair[0]);
        exit(0);
    }
    fclose($pair[1]);
    return function () use ($pair, $pid) {
        say(stream_get_contents($pair[0]));
        pcntl_waitpid($pid, $status);
        if ($status !== 0) {
            throw new Exception('the other process failed');
        }
    };
}
