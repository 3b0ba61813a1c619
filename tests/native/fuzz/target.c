/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer's entry: an input is a situation and data (calls.h). The function and expected.c must agree on
 * what is returned and on every byte. What is behind the last byte written, and all that the function got,
 * must be as it was; what is behind the room is the address sanitizer's. At the end it is printed how often
 * each function and each result was met, so that a run that met only the dull ones is seen.
 */
#include "calls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTOUCHED 0xa5
#define ERRORS	  (1 - BGPWIRE_CAPABILITY)

static unsigned long inputs, met_calls[CALLS], met_errors[ERRORS];
static uint8_t paper[PAPER];

static void print_met(void)
{
	int number;

	fprintf(stderr, "met: %lu inputs; by call:", inputs);
	for (number = 0; number < CALLS; number++)
		fprintf(stderr, " %lu", met_calls[number]);
	fprintf(stderr, "; by result:");
	for (number = 0; number < ERRORS; number++)
		fprintf(stderr, " %lu", met_errors[number]);
	fputc('\n', stderr);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(print_met);
}

__attribute__((format(printf, 1, 2), noreturn)) static void finding(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	fprintf(stderr, "finding: ");
	vfprintf(stderr, format, values);
	fputc('\n', stderr);
	va_end(values);
	abort();
}

static void compare(int64_t is, struct verdict should, const uint8_t *out, size_t room)
{
	size_t at;

	if (should.errors && (is >= 0 || !(should.errors >> -is & 1)))
		finding("result %lld should be one of the errors %x", (long long)is, should.errors);
	if (!should.errors && is != should.length)
		finding("result %lld should be %lld", (long long)is, (long long)should.length);
	for (at = 0; is >= 0 && at < room; at++) {
		const uint8_t byte = at < (size_t)is ? paper[at] : UNTOUCHED;

		if (out[at] != byte)
			finding("byte %zu is %02x, should be %02x", at, out[at], byte);
	}
}

static int is_bulk(enum call call)
{
	return call == CALL_ANNOUNCE || call == CALL_WITHDRAW;
}

/* The room that an input asks for: what is needed, less some bytes or more. */
static size_t room_for(const struct situation *about, const struct arguments *arguments)
{
	const struct verdict should = expect(arguments, paper, PAPER);
	const size_t needed = should.errors ? BGPWIRE_LONGEST : (size_t)should.length;
	const size_t more = about->subcode & 1 ? about->subcode : 0;

	return more + (needed > about->lacking ? needed - about->lacking : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arguments arguments;
	struct situation about;
	struct verdict should;
	uint8_t *memory;
	size_t room;
	int64_t is;

	if (size < sizeof(about))
		return 0;
	memcpy(&about, data, sizeof(about));
	take_apart(&about, data + sizeof(about), size - sizeof(about), &arguments);
	if (arguments.measure && is_bulk(arguments.call)) {
		should = expect(&arguments, paper, PAPER);
		is = call(&arguments, NULL, 0);
		compare(is, should, NULL, 0);
	} else {
		room = room_for(&about, &arguments);
		should = expect(&arguments, paper, room);
		memory = malloc(room + 1); /* not NULL where there is no room at all */
		if (!memory)
			abort();
		memset(memory, UNTOUCHED, room + 1);
		is = call(&arguments, memory + 1, room);
		compare(is, should, memory + 1, room);
		free(memory);
	}
	give_back(&arguments);
	inputs++;
	met_calls[arguments.call]++;
	met_errors[is < 0 ? -is : 0]++;
	return 0;
}
