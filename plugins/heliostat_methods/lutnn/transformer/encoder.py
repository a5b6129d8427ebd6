"""A sentence encoder of BERT's kind, of plain modules that a conversion can replace.

Its linear layers are ``layers.<i>.query``, ``key``, ``value``, ``attention_output``,
``intermediate`` and ``output``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import nn
from torch.nn import functional

from heliostat_methods.lutnn.transformer.wordpiece import WordPiece


@dataclass(frozen=True)
class EncoderSettings:
    """Sizes of an encoder: words, width, layers, heads, inner width, positions.

    ``token_types`` is a table's rows, of which the first is used. ``most_tokens`` are read of a
    text, start and end included, and ``epsilon`` is that of the norms. Raises ``ValueError``.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    intermediate: int
    positions: int
    most_tokens: int
    token_types: int = 2
    epsilon: float = 1e-12

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "epsilon":
                if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                    raise ValueError(f"epsilon must be a number above 0, got {value!r}")
            elif isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{field.name} must be a whole number, at least 1, got {value!r}")
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of {self.heads} heads, got {self.width}")
        if not 2 <= self.most_tokens <= self.positions:
            raise ValueError(
                f"most_tokens must be from 2 to positions ({self.positions}), "
                f"got {self.most_tokens}"
            )


class EncoderLayer(nn.Module):
    """Attention, then two linear layers, each added to its input and normed; no dropout."""

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.attention_output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, settings.epsilon)
        self.intermediate = nn.Linear(width, settings.intermediate)
        self.output = nn.Linear(settings.intermediate, width)
        self.output_norm = nn.LayerNorm(width, settings.epsilon)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (B, T, H) of as much, each token attending to where the mask (B, T) is true."""
        attended = functional.scaled_dot_product_attention(
            self._by_head(self.query(hidden)),
            self._by_head(self.key(hidden)),
            self._by_head(self.value(hidden)),
            attn_mask=mask[:, None, None, :],
        )
        joined = self.attention_output(attended.transpose(1, 2).flatten(2))
        hidden = self.attention_norm(joined + hidden)
        inner = functional.gelu(self.intermediate(hidden))
        normed: torch.Tensor = self.output_norm(self.output(inner) + hidden)
        return normed

    def _by_head(self, values: torch.Tensor) -> torch.Tensor:
        return values.reshape(*values.shape[:2], self.heads, -1).transpose(1, 2)


class SentenceEncoder(nn.Module):
    """Texts as vectors of norm 1: the mean of the last layer over a text's tokens.

    Raises ``ValueError`` for a tokenizer of another number of words than the settings.
    """

    def __init__(self, settings: EncoderSettings, tokenizer: WordPiece) -> None:
        super().__init__()
        if len(tokenizer) != settings.vocabulary:
            raise ValueError(
                f"tokenizer must have the settings' {settings.vocabulary} words, "
                f"has {len(tokenizer)}"
            )
        self.settings, self.tokenizer = settings, tokenizer
        self.word_embeddings = nn.Embedding(settings.vocabulary, settings.width)
        self.position_embeddings = nn.Embedding(settings.positions, settings.width)
        self.token_type_embeddings = nn.Embedding(settings.token_types, settings.width)
        self.embedding_norm = nn.LayerNorm(settings.width, settings.epsilon)
        self.layers = nn.ModuleList(EncoderLayer(settings) for _ in range(settings.layers))

    def forward(self, token_ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (B, H), rows of norm 1, of ids (B, T) int64 and a mask (B, T) bool.

        The mask is true at tokens, of which each row needs one. Raises ``ValueError`` for other
        shapes or types, and for more tokens than there are positions.
        """
        self._check(token_ids, mask)
        words = self.word_embeddings(token_ids) + self.token_type_embeddings.weight[0]
        hidden = self.embedding_norm(words + self.position_embeddings.weight[: token_ids.shape[1]])
        for layer in self.layers:
            hidden = layer(hidden, mask)
        kept = mask[:, :, None].to(hidden.dtype)
        return functional.normalize((hidden * kept).sum(1) / kept.sum(1), dim=-1)

    def batch(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids (B, T) and mask (B, T) of texts on the encoder's device, T the longest's.

        A text of more than the settings' ``most_tokens`` is cut there. Raises ``ValueError`` for
        what is no list of strings, and for an empty one.
        """
        if isinstance(texts, str) or not texts:
            raise ValueError(f"texts must be a list of at least one string, got {texts!r}")
        return self._padded([self.tokenizer.encode(t, self.settings.most_tokens) for t in texts])

    def embed(self, texts: Sequence[str], *, batch_size: int = 32) -> torch.Tensor:
        """Return (N, H), rows of norm 1 in the texts' order, without gradients.

        Texts of like length are computed together. Raises ``ValueError`` for what is no list of
        strings, and for a batch size below 1.
        """
        if isinstance(texts, str):
            raise ValueError(f"texts must be a list of strings, got {texts!r}")
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number, at least 1, got {batch_size!r}")
        rows = [self.tokenizer.encode(text, self.settings.most_tokens) for text in texts]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        weight = self.word_embeddings.weight
        embeddings = weight.new_empty((len(rows), self.settings.width), requires_grad=False)
        with torch.no_grad():
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                embeddings[chosen] = self(*self._padded([rows[i] for i in chosen]))
        return embeddings

    def _padded(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self.tokenizer.padding, dtype=torch.int64)
        mask = torch.zeros((len(rows), longest), dtype=torch.bool)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row, dtype=torch.int64)
            mask[i, : len(row)] = True
        device = self.word_embeddings.weight.device
        return ids.to(device), mask.to(device)

    def _check(self, token_ids: torch.Tensor, mask: torch.Tensor) -> None:
        for name, given, dtype in (
            ("token_ids", token_ids, torch.int64), ("mask", mask, torch.bool),
        ):  # fmt: skip
            if given.dtype != dtype or given.ndim != 2:
                raise ValueError(
                    f"{name} must be (batch, tokens) of {dtype}, got {tuple(given.shape)} of "
                    f"{given.dtype}"
                )
        if token_ids.shape != mask.shape:
            raise ValueError(
                f"mask must have the shape of token_ids, {tuple(token_ids.shape)}, "
                f"got {tuple(mask.shape)}"
            )
        if not 1 <= token_ids.shape[1] <= self.settings.positions:
            raise ValueError(
                f"token_ids must be of 1 to {self.settings.positions} tokens, the model's "
                f"positions, got {token_ids.shape[1]}"
            )
