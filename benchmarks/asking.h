/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks ARP on a packet socket and times each answer.
 *
 * `frame` is the request, on the wire as it is sent; an answer is an ARP reply whose sender address is
 * the one that it asks for. At most `window` requests are under way: with 1 the next one leaves once the
 * answer is here, with more the socket is never without work. Answers are matched with requests in their
 * order, since nothing in an answer says which request it is for.
 *
 * `taken` has room for `count` numbers and gets the nanoseconds from just before send(2) until recv(2)
 * has returned, one for each answer. While nothing is there the thread looks again and again for
 * `spin_ns`, then it sleeps. After `timeout_ns` without an answer, what is still under way is lost and
 * nothing more is sent. Returns the number of answers, or -errno.
 */
long ask(int socket, const unsigned char *frame, unsigned long length, unsigned long count,
	 unsigned long window, unsigned long spin_ns, unsigned long timeout_ns,
	 unsigned long *taken);
