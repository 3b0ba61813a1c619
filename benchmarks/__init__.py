"""How fast things are, always beside something else in the same run: `make bench`.

harness             what they share: environment, interleaving, busy cores, result files
spread              percentiles and ratios with their intervals
drawing             what every picture has
picture, bars       the result of arp_latency for the eye, and those of the others
child               contenders in processes of their own
inotify             the bare watch of the kernel, for floors
racks, asker        who answers ARP, and who asks
filled_rack         a thousand Services on three nodes, and what they cost
contenders          Vipcast and MetalLB on a cluster
administrator       who creates and deletes Services there
audited             which calls the programs make there
api_floor           the least that Services created and deleted cost
bgp                 a speaker with routers, and whom it is measured beside

Programs (`python -m benchmarks.NAME`), which write results/DATE-NAME.json:

arp_latency         how long an ARP answer takes
directory_latency   how soon a change of one file in a directory is delivered
many_services       how soon a thousand Services have their addresses
bgp_convergence     how soon routers know of routes, and what a full table costs
service_latency     how soon a Service of a cluster is answered for, and no longer
failover            how long an address is not answered for when its node goes
footprint           what the programs cost on a cluster

A floor is the least that anybody has to do for the same end; the ratio to it says more than a time,
which belongs to the machine of the day. README.md says how to read the results.
"""
