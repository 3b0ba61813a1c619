"""The product and real routers."""
