"""Decoders: what turns a file's bytes into samples; one contract, a file for each library."""

from .chain import Chain
from .decoder import BLOCK_SAMPLES, Decoder, Undecodable, losses
from .rescued import Rescued

__all__ = ["BLOCK_SAMPLES", "Chain", "Decoder", "Rescued", "Undecodable", "losses"]
