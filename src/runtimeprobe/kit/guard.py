"""Runs a command and ends it when this process's stdin closes: `python guard.py COMMAND...`.

The starter holds the other end of stdin. If it dies in whatever way, even killed, the server it started does not outlive it.
Standard library alone; runs as a script of its own.
"""

import os
import signal
import subprocess
import sys
import threading

TERMINATE_S = 5.0


def main() -> None:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=2)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        child.terminate()
        try:
            child.wait(TERMINATE_S)
        except subprocess.TimeoutExpired:
            child.kill()
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():  # a group of our own: whatever else the command has started
            os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:  # Ctrl-C reaches the child too; its end is awaited
            continue
        os._exit(code if code >= 0 else 128 - code)  # a signal, as a shell reports it


if __name__ == "__main__":
    main()
