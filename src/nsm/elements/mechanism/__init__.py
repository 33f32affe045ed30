"""How each hop's end of a vWire is agreed: offers, choices, and the files that come with them."""
