"""A chapter as slides: cut by rule (deck, packing), written as one page (page), printed (pdf)."""
