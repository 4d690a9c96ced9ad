"""Generated catalogues whose right answers are known."""

from palate.data.generated.movies import Generated, generate

__all__ = ["Generated", "generate"]
