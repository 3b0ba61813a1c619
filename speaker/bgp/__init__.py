"""BGP without a socket: bytes and time in; bytes, events and the next deadline out.

codes          the numbers, and the words for them
messages       what is said, as frozen values
capabilities   what a peer can do, out of its OPEN
framing        a stream of bytes into whole messages
decode         one message's bytes into its value, or the NOTIFICATION that it deserves

settings       one peer as configured, and the OPEN that says so
negotiate      what two OPENs agree upon
fsm            the state machine as a table; states are its words, machine is it at work
session        one peer's session: what comes in makes events, what they lead to goes out
notices        what a session tells its owner
connection     what lives as long as one TCP connection; outbox is what waits to be sent on it
timers         when what is due; backoff is how long a session rests after a failure
closing        why a connection ends; hints are what people may look at then

routes         which routes a node has by its configuration, and why not; prefixes are what it holds
audiences      peers that are told the same, and the terms of an advertisement
facets         what is said about a route by configuration, and what a session adds to it
wanted         the tables: all Services' routes united, for each audience
rib            what one session was told, and what it is told next
updates        that as bytes, encoded once for all who are told the same
"""
