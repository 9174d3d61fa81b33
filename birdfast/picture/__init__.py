"""Pictures: of recordings with what was heard in them, of tokens, and of what is taken for what."""

from .confusion import draw_confusion
from .recording import Drawn, draw
from .tokens import TokenMap, draw_tokens

__all__ = ["Drawn", "TokenMap", "draw", "draw_confusion", "draw_tokens"]
