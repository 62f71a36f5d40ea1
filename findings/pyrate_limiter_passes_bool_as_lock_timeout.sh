#!/usr/bin/env bash
# pyrate-limiter 4.5.1 with filelock 4.2.12: a rate limit in SQLite that several processes share.
#
# `use_file_lock=True` is the way to share a limit between processes, and `blocking=False` the way to refuse at once
# instead of waiting, as a web server must. Together they fail at the first call: pyrate-limiter hands
# False to filelock as the timeout, and filelock 4 no longer takes a bool for a number of seconds.
# pip installs the two together without a complaint.
#
# Output seen:
#   TypeError timeout must be a number of seconds, not bool
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyrate-limiter==4.5.1 filelock==4.2.12
cd "$folder"
venv/bin/python - <<'PYTHON'
import os

from pyrate_limiter import Duration, Limiter, Rate, SQLiteBucket

path = os.path.abspath("limits.sqlite")
bucket = SQLiteBucket.init_from_file([Rate(5, Duration.MINUTE)], db_path=path, use_file_lock=True)
try:
    Limiter(bucket).try_acquire("caller", blocking=False)
except TypeError as error:
    print(type(error).__name__, error)
    assert "timeout" in str(error)
else:
    raise AssertionError("the call was counted")
PYTHON
echo "as described"
