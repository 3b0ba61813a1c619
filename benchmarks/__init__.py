"""How fast things are, always beside something else in the same run: `make bench`.

harness             what they share: environment, interleaving, spread, result files
child               contenders in processes of their own
inotify             the bare watch of the kernel, for floors
directory_latency   how soon a change of one file in a directory is delivered
many_services       how soon a thousand Services have their addresses

Each is a program (`python -m benchmarks.NAME`) that writes results/DATE-NAME.json. A floor is the
least that anybody has to do for the same end; the ratio to it says more than a time, which belongs
to the machine of the day.
"""
