"""Pure layer 2: claims, the difference of map contents, and the greetings that follow."""
