"""llama.cpp's server, as built into xllamacpp, under the flags of llama-server that the adapter uses."""

import argparse
import os
import signal
import sys

import xllamacpp


def main() -> None:
    if "--version" in sys.argv:
        print(f"version: {xllamacpp.__version__.split('.')[2]} (xllamacpp)\nbuilt for tests", file=sys.stderr)
        return
    flags = argparse.ArgumentParser()
    flags.add_argument("--model", required=True)
    flags.add_argument("--mmproj", default="")
    flags.add_argument("--host", default="127.0.0.1")
    flags.add_argument("--port", type=int, default=0)
    flags.add_argument("--ctx-size", type=int, default=4096)
    flags.add_argument("--parallel", type=int, default=1)
    flags.add_argument("--threads", type=int, default=1)
    flags.add_argument("--jinja", action="store_true")
    flags.add_argument("--say-address", action="store_true")
    given = flags.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path, params.mmproj.path = given.model, given.mmproj
    params.n_ctx, params.n_parallel = given.ctx_size, given.parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = given.threads
    params.hostnames, params.port = [given.host], given.port
    try:
        server = xllamacpp.Server(params)
    except RuntimeError:
        sys.exit(1)
    if given.say_address:
        print(server.listening_address, flush=True)
    # The embedded server takes SIGTERM for itself and would leave this process waiting.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
