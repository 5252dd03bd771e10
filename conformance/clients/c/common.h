/* What the programs in this folder share.
 *
 * A program is started as `program NETWORK ADDRESS`. It prints what a user of
 * hiredis would see and ends with a nonzero status when something does not
 * happen. The Go test beside this folder compiles it and compares its output
 * with the recorded one. */
#ifndef COMMON_H
#define COMMON_H

#include <stdio.h>

#include <hiredis/hiredis.h>

/* endpoint splits the arguments of a program into the path of a socket, or a
 * host and a port; what does not apply is NULL or 0. */
struct endpoint {
	char *path, *host;
	int port;
};
struct endpoint endpoint(int argc, char **argv);

/* dial connects, or ends the program. Its waits are bounded. */
redisContext *dial(int argc, char **argv);

/* fail ends the program with a message. */
_Noreturn void fail(const char *what, const char *why);

/* show prints a reply as one line and frees it; without one it ends the
 * program. */
void show(redisContext *c, void *reply);

/* next prints what the connection receives next. */
void next(redisContext *c);

/* print_reply prints a reply, without the end of the line. */
void print_reply(FILE *out, const redisReply *r);

#endif
