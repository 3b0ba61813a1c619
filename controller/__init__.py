"""The program that gives addresses from pools to Services."""
