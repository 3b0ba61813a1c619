"""What bgp_convergence is made of: a speaker that is watched, and those that it is told beside.

objects     the configuration, and thousands of Services with their addresses
speaker     vipcast-speaker, with a clock where objects are handed to its loop
router      a router that notes when it hears what, and pours in routes
bare        the least that can write an UPDATE
tables      how many routes FRR has, asked cheaply
change      one route more among thousands, or one less
appearing   thousands at once, to four routers
pouring     a million routes from a router
shown       the result for the eye
"""
