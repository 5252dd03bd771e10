/* Publishing, subscribing and looking at subscriptions, with the blocking
 * interface. */
#include "common.h"

int main(int argc, char **argv)
{
	redisContext *publisher = dial(argc, argv), *subscriber = dial(argc, argv);

	show(publisher, redisCommand(publisher, "SELECT %d", 1));
	show(publisher, redisCommand(publisher, "PUBLISH news %s", "nobody hears this"));

	show(subscriber, redisCommand(subscriber, "SUBSCRIBE news sport"));
	next(subscriber);
	show(subscriber, redisCommand(subscriber, "PSUBSCRIBE n*"));
	show(subscriber, redisCommand(subscriber, "SSUBSCRIBE news"));

	show(publisher, redisCommand(publisher, "PUBLISH news %b", "a\0b\r\n\xff", (size_t)6));
	next(subscriber);
	next(subscriber);
	show(publisher, redisCommand(publisher, "PUBLISH nothing %b", "", (size_t)0));
	next(subscriber);
	show(publisher, redisCommand(publisher, "SPUBLISH news shard"));
	next(subscriber);

	show(publisher, redisCommand(publisher, "PUBSUB CHANNELS s*"));
	show(publisher, redisCommand(publisher, "PUBSUB NUMSUB news sport other"));
	show(publisher, redisCommand(publisher, "PUBSUB NUMPAT"));
	show(publisher, redisCommand(publisher, "PUBSUB SHARDNUMSUB news"));

	show(subscriber, redisCommand(subscriber, "PING"));
	show(subscriber, redisCommand(subscriber, "PING hello"));
	show(subscriber, redisCommand(subscriber, "ECHO hello"));

	show(subscriber, redisCommand(subscriber, "UNSUBSCRIBE sport"));
	show(subscriber, redisCommand(subscriber, "UNSUBSCRIBE"));
	show(subscriber, redisCommand(subscriber, "SUNSUBSCRIBE"));
	show(subscriber, redisCommand(subscriber, "PUNSUBSCRIBE"));
	show(subscriber, redisCommand(subscriber, "UNSUBSCRIBE"));
	show(subscriber, redisCommand(subscriber, "PING"));
	show(publisher, redisCommand(publisher, "PUBLISH news again"));

	redisFree(subscriber);
	redisFree(publisher);
	return 0;
}
