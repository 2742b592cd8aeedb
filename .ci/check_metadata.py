"""Check that a wheel's long description has no relative links. Usage: check_metadata.py WHEEL"""

import re
import sys
import zipfile
from email import message_from_bytes

with zipfile.ZipFile(sys.argv[1]) as wheel:
    (name,) = (each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
    text = message_from_bytes(wheel.read(name)).get_payload()
links = re.findall(r"\]\(([^)\s]+)|(?:src|href)=[\"']([^\"']+)", text)
relative = [link for link in map("".join, links) if not re.match(r"https?://|#|mailto:", link)]
if not links or relative:
    sys.exit(f"Got {relative or 'no links'} in the long description; expected absolute links.")
