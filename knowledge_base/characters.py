"""Which characters are Chinese ones."""

import re

# The inside of a character class: the unified ideographs, their extension A and those beyond the basic plane.
HAN = "㐀-䶿一-鿿\U00020000-\U0003ffff"
HAN_CHARACTER = re.compile(f"[{HAN}]")
