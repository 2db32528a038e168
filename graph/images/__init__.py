"""Images for models that see none: one description, made by a model of the run that does."""
