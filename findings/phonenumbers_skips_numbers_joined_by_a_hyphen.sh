#!/usr/bin/env bash
# phonenumbers 9.0.43, PhoneNumberMatcher over a text with two valid mobile numbers.
#
# A matcher is expected to find both, whatever sign is between them. Joined by a hyphen neither is found, at the
# leniency VALID, though each is found alone and with a comma between them. Whoever masks personal data with the
# matcher leaves both numbers in the text.
#
# Output seen:
#   '13812345678, 13912345678': ['13812345678', '13912345678']
#   '13812345678-13912345678': []
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'phonenumbers==9.0.43'
"$folder/venv/bin/python" - <<'PYTHON'
from phonenumbers import Leniency, PhoneNumberMatcher


def found(text):
    return [match.raw_string for match in PhoneNumberMatcher(text, "CN", Leniency.VALID)]


apart, joined = "13812345678, 13912345678", "13812345678-13912345678"
print(f"{apart!r}: {found(apart)}")
print(f"{joined!r}: {found(joined)}")
assert found(apart) == ["13812345678", "13912345678"]
assert found(joined) == [], "the behaviour has changed"
PYTHON
echo "as described"
