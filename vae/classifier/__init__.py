"""A small classifier of real images: it says what a decoded one looks like. `card` needs no torch."""
