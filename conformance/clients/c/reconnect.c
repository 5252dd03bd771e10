/* A lost connection is an error, and redisReconnect makes a new one. */
#include <stdio.h>

#include "common.h"

static void lost(redisContext *c)
{
	void *reply = NULL;

	if (redisGetReply(c, &reply) == REDIS_OK)
		fail("receiving", "a reply over an ended connection");
	printf("lost: %s\n", c->err == REDIS_ERR_EOF ? c->errstr : "not the end of the stream");
	if (redisReconnect(c) != REDIS_OK)
		fail("reconnecting", c->errstr);
}

int main(int argc, char **argv)
{
	redisContext *publisher = dial(argc, argv), *subscriber = dial(argc, argv);
	char line[80];

	show(subscriber, redisCommand(subscriber, "SUBSCRIBE a"));
	show(publisher, redisCommand(publisher, "CLIENT KILL TYPE pubsub"));
	lost(subscriber);
	show(subscriber, redisCommand(subscriber, "SUBSCRIBE a"));
	show(publisher, redisCommand(publisher, "PUBLISH a back"));
	next(subscriber);

	puts("ready-for-restart");
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) == NULL)
		fail("waiting for the restart", "end of input");
	lost(subscriber);
	lost(publisher);
	show(subscriber, redisCommand(subscriber, "SUBSCRIBE a"));
	show(publisher, redisCommand(publisher, "PUBLISH a %s", "back again"));
	next(subscriber);

	redisFree(subscriber);
	redisFree(publisher);
	return 0;
}
