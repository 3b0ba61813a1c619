/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side of the program, on the host: a clock, three maps and the memory of one frame.
 *
 * Whatever the kernel's verifier and memory management would refuse is fatal here, too. A frame ends where
 * the memory that may be touched ends: at a protected page, and what lies between (one byte, if its length
 * is odd) is poisoned for the address sanitizer. Of a map only the element that was looked up may be
 * touched. The context, the entry and the slots must be the same afterwards.
 */
#ifndef VIPCAST_FUZZ_HOST_H
#define VIPCAST_FUZZ_HOST_H

#include <stddef.h>
#include "shared.h"

#define FRAME_ROOM 2048

/*
 * All that the answer to a frame depends on; an input of the fuzzer is this, then the frame. seeds.py
 * packs it too. Times are below 2^63, as the kernel's are (ktime_t is signed).
 */
struct situation {
	__u64 now;
	__u64 fenced;
	__u64 heartbeat;
	__u64 until;
	__u64 term;
	__u32 state;
	__u32 slot;
	__u32 counter;
	__u32 ingress;
	struct vip_key key;
	__u8 mac[6];
	__u8 pad[2];
};

/* What became of the frame: the action (enum xdp_action), what each counter grew by, its bytes. */
struct outcome {
	int action;
	__u64 counted[VIP_VERDICTS];
	__u8 frame[FRAME_ROOM];
};

/* Hands the program one frame of at most FRAME_ROOM bytes. */
void run(const struct situation *about, const __u8 *frame, size_t length, struct outcome *outcome);

/* What should become of it. */
void expect(const struct situation *about, const __u8 *frame, size_t length,
	    struct outcome *outcome);

/* Says what is wrong, and ends the process. */
__attribute__((format(printf, 1, 2), noreturn)) void finding(const char *format, ...);

#endif
