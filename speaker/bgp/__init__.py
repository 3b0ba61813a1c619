"""BGP without a socket: bytes and time in; bytes, events and the next deadline out.

codes          the numbers, and the words for them
messages       what is said, as frozen values
capabilities   what a peer can do, out of its OPEN
framing        a stream of bytes into whole messages
decode         one message's bytes into its value, or the NOTIFICATION that it deserves
"""
