"""Limits of one fetched page."""

from pydantic import BaseModel, ConfigDict, Field


class FetchLimits(BaseModel):
    """Limits of one `web_fetch`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout_s: float = Field(default=30, gt=0, description="Seconds, redirects included")
    max_bytes: int = Field(default=10 << 20, gt=0, description="Of the body, decompressed")
    max_redirects: int = Field(default=5, ge=0, le=20)
    max_pdf_pages: int = Field(default=300, gt=0)
    page_chars: int = Field(default=12_000, ge=500, description="Characters shown at once")
    excerpt_chars: int = Field(
        default=5000,
        ge=500,
        description="Of these, characters shown where no place to read at was given",
    )
    narrow_chars: int = Field(
        default=2500, ge=500, description="As many for a member that is asked a narrow question"
    )
