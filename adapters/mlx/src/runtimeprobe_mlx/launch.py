"""Run as a file in the server's process: starts a module as `python -m` would, and ends when the adapter does.

The adapter may be killed at any moment and then cannot clean up. It holds the only writing end of our stdin: when that is gone, so are we.
"""

import os
import runpy
import sys
import threading


def end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


def main() -> None:
    device, module, *arguments = sys.argv[1:]
    threading.Thread(target=end_with_parent, daemon=True).start()
    if device:
        import mlx.core as mx

        mx.set_default_device(mx.Device(getattr(mx.DeviceType, device)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
