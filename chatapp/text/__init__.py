"""What people write: cleaned as it comes in, rendered once, excerpted for lists. No I/O."""

from chatapp.text.excerpt import excerpt
from chatapp.text.normalize import clean_line, clean_text
from chatapp.text.render import MAX_LENGTH, RENDERER_VERSION, render

__all__ = ["MAX_LENGTH", "RENDERER_VERSION", "clean_line", "clean_text", "excerpt", "render"]
