/* Logging in. */
#include "common.h"

int main(int argc, char **argv)
{
	redisContext *c = dial(argc, argv), *publisher = dial(argc, argv);

	show(c, redisCommand(c, "SUBSCRIBE a"));
	show(c, redisCommand(c, "AUTH %s", "wrong horse"));
	show(c, redisCommand(c, "AUTH nobody %s", "correct horse"));
	show(c, redisCommand(c, "AUTH %s", "correct horse"));
	show(c, redisCommand(c, "AUTH default %s", "wrong horse"));
	show(c, redisCommand(c, "SUBSCRIBE a"));

	show(publisher, redisCommand(publisher, "PUBLISH a x"));
	show(publisher, redisCommand(publisher, "AUTH default %s", "correct horse"));
	show(publisher, redisCommand(publisher, "PUBLISH a x"));
	next(c);

	redisFree(publisher);
	redisFree(c);
	return 0;
}
