# One image for every process: the web server is the default, `python worker.py` runs the workers.

FROM node:22-slim AS front-end
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM python:3.11-slim AS build
WORKDIR /srv/terrace
COPY requirements.txt ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
COPY --from=front-end /build/node_modules node_modules
RUN python -m stack.setup front-end && rm -rf node_modules stack && /venv/bin/python -m compileall -q .

FROM python:3.11-slim
# The database's own tools are not needed: exports use COPY through the driver.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin terrace \
    && install -d -o terrace /var/lib/terrace
COPY --from=build /venv /venv
COPY --from=build /srv/terrace /srv/terrace
WORKDIR /srv/terrace
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TERRACE_ENV=production \
    DATA_DIR=/var/lib/terrace \
    PORT=8000 \
    GRANIAN_INTERFACE=wsgi \
    GRANIAN_HOST=0.0.0.0 \
    GRANIAN_WORKERS=2 \
    GRANIAN_BLOCKING_THREADS=32 \
    GRANIAN_WORKERS_KILL_TIMEOUT=25 \
    GRANIAN_RESPAWN_INTERVAL=10 \
    GRANIAN_RESPAWN_FAILED_WORKERS=true
USER terrace
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health/live', timeout=2)"]
CMD ["sh", "-c", "exec granian --port \"$PORT\" --no-ws wsgi:app"]
