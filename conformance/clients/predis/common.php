<?php
/* What the programs in this folder share.
 *
 * A program is started as `program.php NETWORK ADDRESS [AUTHORITY]`. It prints
 * what a user of Predis would see, in an order that does not depend on timing,
 * and exits with a nonzero status when something does not happen. The Go test
 * beside this folder compares the output with the recorded one. */

declare(strict_types=1);

require 'Predis/autoload.php';

/* Bounds every wait, in seconds. It only turns a hang into a failure. */
const WAIT = 20;

/* connect returns a client of the server under test. */
function connect(array $more = []): Predis\Client
{
    global $argv;
    [, $network, $address] = $argv;
    if ($network === 'unix') {
        $server = ['scheme' => 'unix', 'path' => $address];
    } else {
        [$host, $port] = explode(':', $address);
        $server = ['scheme' => $network, 'host' => $host, 'port' => $port];
    }
    if ($network === 'tls') {
        $server['ssl'] = ['cafile' => $argv[3]];
    }
    return new Predis\Client($more + $server + ['timeout' => WAIT, 'read_write_timeout' => WAIT]);
}

/* say prints one line; what is no text, as JSON. */
function say(mixed ...$fields): void
{
    $text = fn ($field) => is_string($field) || $field instanceof Stringable
        ? (string) $field
        : json_encode($field, JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
    echo implode(' ', array_map($text, $fields)), "\n";
}

/* attempt prints the error that f ends with. */
function attempt(string $what, callable $f): void
{
    try {
        $f();
    } catch (Predis\PredisException $e) {
        // Behind the text of a lost connection stands the server's address.
        say($what, preg_replace('/ \[.*/', '', $e->getMessage()));
        return;
    }
    throw new Exception("$what went well");
}

/* take prints the next n things that a consumer receives. */
function take(Predis\PubSub\Consumer $consumer, int $n): void
{
    for (; $n > 0; $n--) {
        say($consumer->current());
        $consumer->next();
    }
}
