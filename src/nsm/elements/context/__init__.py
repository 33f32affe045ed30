"""What a vWire carries with it: addresses, prefixes to keep clear of, names, policies, MTU."""
