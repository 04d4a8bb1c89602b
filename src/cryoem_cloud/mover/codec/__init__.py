"""Files as blocks that know micrographs: how they are encoded, which way is best, and back."""

from cryoem_cloud.mover.codec.block import decode_into, decoded, encoded
from cryoem_cloud.mover.codec.choice import chosen, is_hopeful, tried
from cryoem_cloud.mover.codec.kinds import kind_of
from cryoem_cloud.mover.codec.movie import Movie, learn, movie_of, settle
from cryoem_cloud.mover.codec.recipe import padding, told
from cryoem_cloud.mover.codec.way import CODEC_NAMES, RAW, VERSION, ZSTD, Choice, Gain, Way

__all__ = [
    "CODEC_NAMES",
    "RAW",
    "VERSION",
    "ZSTD",
    "Choice",
    "Gain",
    "Movie",
    "Way",
    "chosen",
    "decode_into",
    "decoded",
    "encoded",
    "is_hopeful",
    "kind_of",
    "learn",
    "movie_of",
    "padding",
    "settle",
    "told",
    "tried",
]
