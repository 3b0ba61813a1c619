"""BGP's pure core: bytes are spelled out by hand, octet by octet, from the RFCs."""
