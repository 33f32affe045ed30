"""Rulesets given to the kernel by libnftables, in this process.

Firewall rules are written in nft's own language, so its parser is needed; the library spares the
fork and exec of `nft -f`, which costs more than the ruleset. It comes with the nftables package.
"""

import ctypes
from functools import lru_cache

from nsm.errors import Invalid, Unsupported

LIBRARY = "libnftables.so.1"
HANDLES, TERSE = 1 << 3, 1 << 11
"""How nftables/libnftables.h numbers what may be asked for."""


def run(script: str) -> None:
    """Carry out a script, all or nothing, where the calling thread stands. Invalid if refused."""
    ask(script)


def ask(script: str, *, handles: bool = False) -> str:
    """The same, and what there is to say to it; with `handles`, which tell each thing from all
    that ever had its name, and without what sets hold."""
    library = _library()
    context = library.nft_ctx_new(0)
    if not context:
        raise Unsupported("nftables cannot be spoken to", fix="run with CAP_NET_ADMIN")
    try:
        library.nft_ctx_output_set_flags(context, HANDLES | TERSE if handles else 0)
        library.nft_ctx_buffer_error(context)
        library.nft_ctx_buffer_output(context)
        if library.nft_run_cmd_from_buffer(context, script.encode()) != 0:
            words = library.nft_ctx_get_error_buffer(context) or b"no reason given"
            raise Invalid(f"nftables refused: {words.decode('utf-8', 'replace')[:500].strip()}")
        return str((library.nft_ctx_get_output_buffer(context) or b"").decode("utf-8", "replace"))
    finally:
        library.nft_ctx_free(context)


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise Unsupported(f"{LIBRARY} is not here", fix="install the package nftables") from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    library.nft_ctx_get_output_buffer.restype = ctypes.c_char_p
    library.nft_ctx_get_output_buffer.argtypes = [ctypes.c_void_p]
    library.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
    library.nft_ctx_output_set_flags.argtypes = [ctypes.c_void_p, ctypes.c_uint]
    library.nft_ctx_buffer_error.argtypes = [ctypes.c_void_p]
    library.nft_ctx_buffer_output.argtypes = [ctypes.c_void_p]
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.nft_ctx_free.argtypes = [ctypes.c_void_p]
    return library
