#!/bin/sh
# A local Elasticsearch for tests and trials: scripts/elasticsearch.sh start|stop|status
exec "${PYTHON:-python3}" "$(dirname "$0")/local_elasticsearch.py" "$@"
