"""`python -m vae`."""

from vae.cli import main

main()
