/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer's entry: an input is a situation and a frame (host.h). The program and expected.c must agree on
 * the action, on every counter and on every byte of the frame. At the end it is printed how often each
 * verdict was met, so that a run that met only the dull ones is seen.
 */
#include "host.h"

#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_BITS (~0ULL >> 1)

static unsigned long inputs, met[VIP_VERDICTS];

static void print_met(void)
{
	int verdict;

	fprintf(stderr, "met: %lu inputs; by verdict:", inputs);
	for (verdict = 0; verdict < VIP_VERDICTS; verdict++)
		fprintf(stderr, " %lu", met[verdict]);
	fputc('\n', stderr);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(print_met);
}

static void compare(const struct outcome *is, const struct outcome *should, size_t length)
{
	size_t at;

	if (is->action != should->action)
		finding("action %d should be %d", is->action, should->action);
	for (at = 0; at < VIP_VERDICTS; at++)
		if (is->counted[at] != should->counted[at])
			finding("counter %zu moved by %lld, should by %lld", at, is->counted[at],
				should->counted[at]);
	for (at = 0; at < length; at++)
		if (is->frame[at] != should->frame[at])
			finding("byte %zu is %02x, should be %02x (action %d)", at, is->frame[at],
				should->frame[at], is->action);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome is, should;
	struct situation about;
	const uint8_t *frame = data + sizeof(about);
	size_t length, verdict;

	if (size < sizeof(about) || size - sizeof(about) > FRAME_ROOM)
		return 0;
	length = size - sizeof(about);
	memcpy(&about, data, sizeof(about));
	about.now &= TIME_BITS;
	about.heartbeat &= TIME_BITS;
	about.until &= TIME_BITS;
	expect(&about, frame, length, &should);
	run(&about, frame, length, &is);
	compare(&is, &should, length);
	inputs++;
	for (verdict = 0; verdict < VIP_VERDICTS; verdict++)
		met[verdict] += should.counted[verdict];
	return 0;
}
