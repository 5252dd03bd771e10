<?php
/* Logging in. */

require __DIR__ . '/common.php';

const RIGHT = 'correct horse';

attempt('no password', fn () => connect()->publish('a', 'x'));
attempt('wrong password', fn () => connect(['password' => 'wrong'])->publish('a', 'x'));
$redis = connect(['password' => RIGHT, 'database' => 1]);
say('publish', $redis->publish('a', 'x'));
attempt('wrong password later', fn () => $redis->auth('wrong'));
say('publish', $redis->publish('a', 'x'), 'password', $redis->auth(RIGHT));

$consumer = connect(['password' => RIGHT])->pubSubLoop(['subscribe' => 'a']);
take($consumer, 1);
say('publish', $redis->publish('a', 'secret'));
take($consumer, 1);
$consumer->stop(true);
