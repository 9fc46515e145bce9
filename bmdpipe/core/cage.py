"""Work on foreign files in a process of its own, with a cap on memory and time.

A decoder of a foreign file may ask for any amount of memory, never end, or break down and take its
process with it; here that costs the one case and nothing else.
"""

from __future__ import annotations

import multiprocessing
import resource
import traceback
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from bmdpipe.core.errors import CaseError, UsageError

ResultT = TypeVar("ResultT")


def caged(work: Callable[[], ResultT], case: str, memory_gib: float, minutes: float) -> ResultT:
    """What `work` returns, computed in a child process that may use `memory_gib` more than now.

    Raises what `work` raises if it is a CaseError or UsageError; CaseError E_TOO_LARGE if the
    memory does not suffice, E_LIMIT if the time does not or the process breaks down; RuntimeError
    with the child's traceback on anything else.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(work, theirs, memory_gib))
    with warnings.catch_warnings():
        # Python warns of a fork beside threads. Those of the arithmetic libraries are meant, which
        # look after themselves.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    theirs.close()
    try:
        answered = ours.poll(60.0 * minutes)
        answer = ours.recv() if answered else None
    except EOFError:
        answer = None
    finally:
        if child.is_alive():
            child.join(timeout=0.0 if not answered else 10.0)
        child.kill()
        child.join()
        ours.close()
    if answer is None and not answered:
        raise CaseError("E_LIMIT", case, f"the files were not read within {minutes:g} minutes")
    if answer is None:
        raise CaseError("E_LIMIT", case, f"reading the files broke down ({_cause(child.exitcode)})")
    kind, content = answer
    if kind == "done":
        return content
    if kind == "memory":
        hint = f"reading the files takes more than {memory_gib:g} GiB"
        raise CaseError("E_TOO_LARGE", case, hint)
    if kind == "case":
        raise CaseError(*content)
    if kind == "usage":
        raise UsageError(content)
    raise RuntimeError(content)


def _child(work: Callable[[], ResultT], answers: Connection, memory_gib: float) -> None:
    limit = _used_bytes() + int(memory_gib * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        answer: tuple[str, object] = ("done", work())
    except MemoryError:
        answer = ("memory", None)
    except CaseError as error:
        answer = ("case", (error.code, error.case, error.hint))
    except UsageError as error:
        answer = ("usage", str(error))
    except Exception:  # noqa: BLE001  (sent to the parent, which raises it again)
        answer = ("fault", traceback.format_exc())
    answers.send(answer)
    answers.close()


def _used_bytes() -> int:
    """The address space of this process, which is what the limit is counted against."""
    with open("/proc/self/statm", encoding="ascii") as stream:  # noqa: PTH123
        return int(stream.read().split()[0]) * resource.getpagesize()


def _cause(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
