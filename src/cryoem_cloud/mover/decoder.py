"""Leaves in a store what is needed to read it without us: a decoder of one file, and a README."""

from contextlib import suppress
from importlib.resources import files

from cryoem_cloud.model.errors import ObjectExistsError
from cryoem_cloud.model.keys import decoder_key
from cryoem_cloud.ports.store import Store

__all__ = ["leave_decoder"]

_README = """\
Files of projects lie in this store under PROJECT/mirror/ and PROJECT/jobs/, under their own paths.
PROJECT/index/ says in JSON which key holds which file, and whether and how it is encoded ("codec"):

  none     the bytes are the file's own: the object, or the "range" of it
  zstd     zstd -d gives the file
  blocks   python3 decode-1.py STORED FILE gives the file, by Python 3.9 or newer and zstd

If the codec names a gain, that is in PROJECT/gains/: the decoder finds it in a copy of the store,
or needs --gain GAIN.
PROJECT/bundles/ has many small files in each object: cut the "range" out first.
"""


def leave_decoder(store: Store) -> None:
    """See to it that the decoder and its description are in the store; two requests."""
    script = files("cryoem_cloud.mover.codec").joinpath("decode_one.py").read_bytes()
    for name, data in (("README.txt", _README.encode()), ("decode-1.py", script)):
        with suppress(ObjectExistsError):
            store.put(decoder_key(name), data, if_absent=True)
