"""What all parts of a request's body have in common."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """Members that are not named are ignored, as newer clients send newer ones."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)
