"""How fast things are, always beside something else in the same run: `make bench`.

harness             what they share: environment, interleaving, busy cores, result files
spread              percentiles and ratios with their intervals
picture             the result of arp_latency for the eye
child               contenders in processes of their own
inotify             the bare watch of the kernel, for floors
racks, asker        who answers ARP, and who asks
filled_rack         a thousand Services on three nodes, and what they cost
arp_latency         how long an ARP answer takes
directory_latency   how soon a change of one file in a directory is delivered
many_services       how soon a thousand Services have their addresses

The last three are programs (`python -m benchmarks.NAME`) that write results/DATE-NAME.json. A floor
is the least that anybody has to do for the same end; the ratio to it says more than a time, which
belongs to the machine of the day. README.md says how to read the results.
"""
