/* SPDX-License-Identifier: Apache-2.0 */
/* The loop that asks and takes times; what it promises stands in asking.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "asking.h"

#define MILLISECOND 1000000UL
#define SECOND	    1000000000UL

/* Places in an ARP packet with its Ethernet header (RFC 826). */
#define OPERATION 20
#define SENDER	  28
#define TARGET	  38
#define ALL	  42

static unsigned long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (unsigned long)time.tv_sec * SECOND + (unsigned long)time.tv_nsec;
}

/* 1 for an answer, 0 for nothing or something else, else -errno. */
static int take(int socket, const unsigned char *frame)
{
	static const unsigned char reply[] = {0, 2};
	unsigned char found[128];
	const ssize_t length = recv(socket, found, sizeof(found), MSG_DONTWAIT);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return length >= ALL && !memcmp(found + OPERATION, reply, sizeof(reply)) &&
	       !memcmp(found + SENDER, frame + TARGET, 4);
}

static void sleep_until_readable(int socket, unsigned long most)
{
	struct pollfd wanted = {.fd = socket, .events = POLLIN};

	poll(&wanted, 1, (int)(most / MILLISECOND) + 1);
}

long ask(int socket, const unsigned char *frame, unsigned long length, unsigned long count,
	 unsigned long window, unsigned long spin_ns, unsigned long timeout_ns,
	 unsigned long *taken)
{
	unsigned long sent = 0, answered = 0, last = now();

	if (length < ALL)
		return -EINVAL;
	while (answered < count) {
		unsigned long idle;
		int came;

		while (sent < count && sent - answered < window) {
			taken[sent++] = last = now();
			if (send(socket, frame, length, 0) < 0)
				return -errno;
		}
		came = take(socket, frame);
		if (came < 0)
			return came;
		if (came) {
			last = now();
			taken[answered] = last - taken[answered];
			answered++;
			continue;
		}
		idle = now() - last;
		if (idle > timeout_ns)
			break;
		if (idle > spin_ns)
			sleep_until_readable(socket, timeout_ns - idle);
	}
	return (long)answered;
}
