"""Leadership: the wire, who is believed, whole conversations, and a segment in a box."""
