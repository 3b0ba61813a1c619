"""The command vipcast: what is so (status) and why (explain)."""
