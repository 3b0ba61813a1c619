"""The words of Vipcast as frozen values: no I/O, no clock, nothing of the other rooms.

addresses   families, ranges of integers, textual forms
objects     Service, endpoints, Node as both programs see them
pool        Pool and its entries
raw         Kubernetes objects as dicts: kinds, names, changes, Events
status      what the speakers report, as values
xdp         how the responder is attached
reasons     one vocabulary for status, Events, logs, metrics and `vipcast explain`
errors      the one tree of exceptions
"""
