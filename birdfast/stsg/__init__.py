"""STSG: sound to tokens, and tokens to a window's embedding.

Miyaguchi, Gustineli, Cheung, "Distilling Spectrograms into Tokens", BirdCLEF+ 2025.
"""
