"""Check the links of a wheel's long description. Usage: check_metadata.py WHEEL

None may be relative, and links to files must lead to the repository that the metadata name.
"""

import re
import sys
import zipfile
from email import message_from_bytes
from urllib.parse import urlsplit

with zipfile.ZipFile(sys.argv[1]) as wheel:
    (name,) = (each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
    metadata = message_from_bytes(wheel.read(name))
found = re.findall(r"\]\(([^)\s]+)|(?:src|href)=[\"']([^\"']+)", metadata.get_payload())
links = ["".join(link) for link in found]
relative = [link for link in links if not re.match(r"https?://|#|mailto:", link)]
if not links or relative:
    sys.exit(f"Got {relative or 'no links'} in the long description; expected absolute links.")

urls = dict(each.split(", ", 1) for each in metadata.get_all("Project-URL"))
repository = urlsplit(urls["Repository"]).path
strange = [
    link
    for link in links
    if "/HEAD/" in link and not urlsplit(link).path.startswith(f"{repository}/")
]
if strange:
    sys.exit(f"Got links to {strange}; expected files of {urls['Repository']}.")
