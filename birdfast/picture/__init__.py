"""Pictures: of recordings with what was heard in them, of tokens, and of what is taken for what."""

from .confusion import draw_confusion
from .recording import Drawn, draw
from .strips import Scores, Tokens
from .tokens import TokenMap, draw_tokens

__all__ = ["Drawn", "Scores", "TokenMap", "Tokens", "draw", "draw_confusion", "draw_tokens"]
