"""Decoders: what turns a file's bytes into samples; one contract, a file for each library."""

from .decoder import BLOCK_SAMPLES, Decoder, Undecodable

__all__ = ["BLOCK_SAMPLES", "Decoder", "Undecodable"]
