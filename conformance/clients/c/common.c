#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

/* How long anything may take, in seconds; it turns a hang into a failure. */
#define PATIENCE 20

struct endpoint endpoint(int argc, char **argv)
{
	struct endpoint at = { NULL, NULL, 0 };
	char *colon;

	if (argc < 3)
		fail("arguments", "want NETWORK ADDRESS");
	if (strcmp(argv[1], "unix") == 0) {
		at.path = argv[2];
		return at;
	}
	at.host = strdup(argv[2]);
	colon = at.host ? strrchr(at.host, ':') : NULL;
	if (colon == NULL)
		fail("arguments", "want HOST:PORT");
	*colon = '\0';
	at.port = atoi(colon + 1);
	return at;
}

redisContext *dial(int argc, char **argv)
{
	struct endpoint at = endpoint(argc, argv);
	struct timeval patience = { PATIENCE, 0 };
	redisContext *c;

	if (at.path)
		c = redisConnectUnixWithTimeout(at.path, patience);
	else
		c = redisConnectWithTimeout(at.host, at.port, patience);
	if (c == NULL || c->err)
		fail("connecting", c ? c->errstr : "no memory");
	if (redisSetTimeout(c, patience) != REDIS_OK)
		fail("setting the timeout", c->errstr);
	free(at.host);
	return c;
}

void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static void print_bytes(FILE *out, const char *s, size_t n)
{
	putc('"', out);
	for (; n > 0; n--, s++) {
		if (isprint((unsigned char)*s))
			putc(*s, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*s);
	}
	putc('"', out);
}

void print_reply(FILE *out, const redisReply *r)
{
	size_t i;

	switch (r->type) {
	case REDIS_REPLY_STATUS:
		fprintf(out, "+%s", r->str);
		break;
	case REDIS_REPLY_ERROR:
		fprintf(out, "-%s", r->str);
		break;
	case REDIS_REPLY_INTEGER:
		fprintf(out, "%lld", r->integer);
		break;
	case REDIS_REPLY_NIL:
		fprintf(out, "nil");
		break;
	case REDIS_REPLY_STRING:
		print_bytes(out, r->str, r->len);
		break;
	case REDIS_REPLY_ARRAY:
		putc('[', out);
		for (i = 0; i < r->elements; i++) {
			if (i > 0)
				putc(' ', out);
			print_reply(out, r->element[i]);
		}
		putc(']', out);
		break;
	default:
		fprintf(out, "type %d", r->type);
	}
}

void show(redisContext *c, void *reply)
{
	if (reply == NULL)
		fail("no reply", c->errstr);
	print_reply(stdout, reply);
	putchar('\n');
	fflush(stdout);
	freeReplyObject(reply);
}

void next(redisContext *c)
{
	void *reply = NULL;

	if (redisGetReply(c, &reply) != REDIS_OK)
		fail("receiving", c->errstr);
	show(c, reply);
}
