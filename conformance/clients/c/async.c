/* The asynchronous interface, with an event loop of poll. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/async.h>

#include "common.h"

/* How long poll may wait, in milliseconds; it turns a hang into a failure. */
#define PATIENCE 20000

#define CLIENTS 2

/* What poll is asked about a connection. */
struct watch {
	redisAsyncContext *ac; /* NULL once it is closed */
	short events;
	const char *name;
	/* What happened, printed at the end: between two connections there is
	 * no order. */
	FILE *lines;
	char *text;
	size_t size;
};

static struct watch watches[CLIENTS] = { { .name = "subscriber" }, { .name = "publisher" } };

static void add_read(void *w) { ((struct watch *)w)->events |= POLLIN; }
static void del_read(void *w) { ((struct watch *)w)->events &= ~POLLIN; }
static void add_write(void *w) { ((struct watch *)w)->events |= POLLOUT; }
static void del_write(void *w) { ((struct watch *)w)->events &= ~POLLOUT; }
static void cleanup(void *w) { ((struct watch *)w)->events = 0; }

static void connected(const redisAsyncContext *ac, int status)
{
	if (status != REDIS_OK)
		fail("connecting", ac->errstr);
}

static void disconnected(const redisAsyncContext *ac, int status)
{
	struct watch *w = ac->data;

	fprintf(w->lines, "%s disconnected: %s\n", w->name, status == REDIS_OK ? "as asked" : ac->errstr);
	w->ac = NULL;
}

static void attach(struct watch *w, int argc, char **argv)
{
	struct endpoint at = endpoint(argc, argv);
	redisAsyncContext *ac = at.path ? redisAsyncConnectUnix(at.path) : redisAsyncConnect(at.host, at.port);

	if (ac == NULL || ac->err)
		fail("connecting", ac ? ac->errstr : "no memory");
	w->lines = open_memstream(&w->text, &w->size);
	if (w->lines == NULL)
		fail("open_memstream", "no memory");
	free(at.host);
	w->ac = ac;
	ac->data = w;
	ac->ev.data = w;
	ac->ev.addRead = add_read;
	ac->ev.delRead = del_read;
	ac->ev.addWrite = add_write;
	ac->ev.delWrite = del_write;
	ac->ev.cleanup = cleanup;
	redisAsyncSetConnectCallback(ac, connected);
	redisAsyncSetDisconnectCallback(ac, disconnected);
}

/* loop runs until all connections are closed. */
static void loop(void)
{
	for (;;) {
		struct pollfd fds[CLIENTS];
		int i, open = 0;

		for (i = 0; i < CLIENTS; i++) {
			fds[i].fd = watches[i].ac ? watches[i].ac->c.fd : -1;
			fds[i].events = watches[i].events;
			fds[i].revents = 0;
			open += watches[i].ac != NULL;
		}
		if (open == 0)
			return;
		if (poll(fds, CLIENTS, PATIENCE) <= 0)
			fail("poll", "nothing happened");
		for (i = 0; i < CLIENTS; i++) {
			if (watches[i].ac && fds[i].revents & (POLLIN | POLLHUP | POLLERR))
				redisAsyncHandleRead(watches[i].ac);
			if (watches[i].ac && fds[i].revents & POLLOUT)
				redisAsyncHandleWrite(watches[i].ac);
		}
	}
}

static void say(const redisAsyncContext *ac, const char *what, const redisReply *r)
{
	FILE *lines = ((struct watch *)ac->data)->lines;

	fprintf(lines, "%s ", what);
	print_reply(lines, r);
	putc('\n', lines);
}

static void published(redisAsyncContext *ac, void *reply, void *what)
{
	if (reply != NULL)
		say(ac, what, reply);
}

/* A subscription's callback gets its confirmations and its messages; without
 * a reply, the connection has ended. */
static void received(redisAsyncContext *ac, void *reply, void *what)
{
	const redisReply *r = reply;
	redisAsyncContext *publisher = watches[1].ac;
	const char *kind;

	if (r == NULL) {
		fprintf(((struct watch *)ac->data)->lines, "%s ended\n", (const char *)what);
		return;
	}
	say(ac, what, r);
	kind = r->element[0]->str;
	if (strcmp(kind, "psubscribe") == 0) {
		redisAsyncCommand(publisher, published, "publish", "PUBLISH news hello");
	} else if (strcmp(kind, "pmessage") == 0 && strcmp(r->element[3]->str, "hello") == 0) {
		redisAsyncCommand(ac, NULL, NULL, "UNSUBSCRIBE news");
	} else if (strcmp(kind, "unsubscribe") == 0) {
		redisAsyncCommand(publisher, published, "publish", "PUBLISH news pattern");
	} else if (strcmp(kind, "pmessage") == 0) {
		redisAsyncCommand(publisher, published, "kill", "CLIENT KILL TYPE pubsub");
		redisAsyncDisconnect(publisher);
	}
}

int main(int argc, char **argv)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		attach(&watches[i], argc, argv);
	redisAsyncCommand(watches[0].ac, received, "channel", "SUBSCRIBE news");
	redisAsyncCommand(watches[0].ac, received, "pattern", "PSUBSCRIBE n*");
	loop();
	for (i = 0; i < CLIENTS; i++) {
		fclose(watches[i].lines);
		printf("%s", watches[i].text);
		free(watches[i].text);
	}
	return 0;
}
