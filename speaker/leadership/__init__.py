"""Pure leadership: who answers for an address, and until when."""
