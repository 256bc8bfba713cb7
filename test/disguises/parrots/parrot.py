"""A stand-in for a banned program: says when it runs, once a millisecond, until it ends by itself or is ended."""

import ctypes
import os
import time

MARKER = "@MARKER@"
SPARE = "spare feathers"


def say(word: str) -> None:
    os.write(1, f"{word} {time.monotonic_ns()}\n".encode())


def rename(title: bytes) -> None:
    """Overwrites the command line where it lies (proc_pid_stat(5), arg_start and arg_end), as setproctitle does."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    ctypes.memset(start, 0, end - start)
    ctypes.memmove(start, title, min(len(title), end - start))
    ctypes.CDLL(None).prctl(15, title)  # PR_SET_NAME


def main() -> None:
    say("runs")
    if "PARROT_TITLE" in os.environ:
        rename(os.environb[b"PARROT_TITLE"])
    if "PARROT_FORGET" in os.environ:
        os.unlink(os.environ["PARROT_FORGET"])
    until = time.monotonic() + int(os.environ.get("PARROT_LIFE", "5000")) / 1000
    while time.monotonic() < until:
        time.sleep(0.001)
        say("beats")
    say("ends")


if __name__ == "__main__":
    main()
