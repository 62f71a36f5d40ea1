#!/bin/sh
# Upload a file, wait until it is read, and ask: sh ask.sh FILE QUESTION
set -eu
url=${DOMAINQA_URL:-http://127.0.0.1:7860}

call() {
    curl --silent --show-error --fail-with-body \
        ${DOMAINQA_KEY:+--header "Authorization: Bearer $DOMAINQA_KEY"} "$@"
}

job=$(call --form "files=@$1" "$url/v1/collections/bank/documents" | sed 's/^{"id":"\([^"]*\)".*/\1/')
until call "$url/v1/jobs/$job" | grep -Eq '"state":"(done|failed)"'; do sleep 1; done

call --json "{\"input\": \"$2\", \"adapter_id\": \"base\", \"collection\": \"bank\"}" "$url/v1/generate"
