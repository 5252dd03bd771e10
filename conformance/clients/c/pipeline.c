/* Pipelines and transactions. */
#include <stdio.h>
#include <string.h>

#include "common.h"

#define MESSAGES 5000

int main(int argc, char **argv)
{
	redisContext *publisher = dial(argc, argv), *subscriber = dial(argc, argv);
	redisReply *reply;
	char want[16];
	long long receivers = 0;
	int i;

	show(subscriber, redisCommand(subscriber, "SUBSCRIBE a"));
	for (i = 0; i < MESSAGES; i++)
		redisAppendCommand(publisher, "PUBLISH a %d", i);
	for (i = 0; i < MESSAGES; i++) {
		if (redisGetReply(publisher, (void **)&reply) != REDIS_OK)
			fail("pipeline", publisher->errstr);
		receivers += reply->integer;
		freeReplyObject(reply);
	}
	printf("%lld receivers\n", receivers);
	for (i = 0; i < MESSAGES; i++) {
		if (redisGetReply(subscriber, (void **)&reply) != REDIS_OK)
			fail("receiving", subscriber->errstr);
		snprintf(want, sizeof want, "%d", i);
		if (reply->elements != 3 || strcmp(reply->element[2]->str, want) != 0)
			fail("out of order", want);
		freeReplyObject(reply);
	}
	printf("%d messages\n", MESSAGES);

	redisAppendCommand(publisher, "MULTI");
	redisAppendCommand(publisher, "PUBLISH a one");
	redisAppendCommand(publisher, "PUBLISH b two");
	redisAppendCommand(publisher, "EXEC");
	for (i = 0; i < 4; i++)
		next(publisher);
	next(subscriber);

	show(publisher, redisCommand(publisher, "MULTI"));
	show(publisher, redisCommand(publisher, "PUBLISH a"));
	show(publisher, redisCommand(publisher, "PUBLISH a forgotten"));
	show(publisher, redisCommand(publisher, "EXEC"));
	show(publisher, redisCommand(publisher, "PUBLISH a last"));
	next(subscriber);

	redisFree(subscriber);
	redisFree(publisher);
	return 0;
}
